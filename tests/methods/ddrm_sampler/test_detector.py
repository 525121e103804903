"""The detector on data where p(item | user) / p(item) is known in closed form."""

from dataclasses import replace

import pytest
import torch

from negbench.methods.ddrm_sampler import detector as detection
from negbench.methods.ddrm_sampler.detector import Detector
from negbench.parts.diffusion import process
from negbench.testing.toy_data import default_context

D, NOISE = 4, 0.3


def detector(draws=8, hidden=64, **settings) -> Detector:
    untrained = Detector(process.snr_matched(20, 0.1), hidden, draws, 0.1, **settings)
    untrained.begin(replace(default_context(), width=D))
    return untrained


def drawn(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Users, an item of theirs, and the mixing matrix: e_i | u ~ N(A u, s^2 I)."""
    mix = torch.randn(D, D, generator=torch.Generator().manual_seed(1)) * 0.6
    users = torch.randn(n, D, generator=generator)
    return users, users @ mix.T + NOISE * torch.randn(n, D, generator=generator), mix


def log_ratio(items: torch.Tensor, users: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    normal = torch.distributions.MultivariateNormal
    given = normal((users @ mix.T).unsqueeze(1), NOISE**2 * torch.eye(D))
    alone = normal(torch.zeros(D), mix @ mix.T + NOISE**2 * torch.eye(D))
    return given.log_prob(items) - alone.log_prob(items)


def ranks(x: torch.Tensor) -> torch.Tensor:
    return x.argsort().argsort().double()


@pytest.fixture(scope="module")
def trained() -> Detector:
    untrained, generator = detector(), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(untrained.minimised(), lr=5e-3)
    for _ in range(300):
        users, items, _ = drawn(512, generator)
        optimiser.zero_grad()
        torch.autograd.backward(untrained.loss(items, users, generator))
        optimiser.step()
    return untrained


def pairs(n=400):
    generator = torch.Generator().manual_seed(7)
    users, liked, mix = drawn(n, generator)
    others = drawn(n, generator)[1]
    return torch.stack([liked, others], 1), users, mix, generator


def test_rho_is_its_formula_with_the_denoiser_called_item_by_item(monkeypatch):
    """The draws of a block do not depend on how many of its rows are denoised at once."""
    untrained = detector(draws=2)
    torch.nn.init.normal_(untrained.net.last.weight, generator=torch.Generator().manual_seed(2))
    torch.nn.init.normal_(untrained.net.null, generator=torch.Generator().manual_seed(3))
    items, users, _, _ = pairs(n=9)
    expected, generator = torch.zeros(9, 2), torch.Generator().manual_seed(5)
    for part in range(2):
        t = untrained.stratified_steps(part, 9, items, generator)
        eps = torch.randn(9, D, generator=generator)
        for b in range(9):
            for j in range(2):
                x, step = items[b, j : j + 1], t[b : b + 1]
                xt = untrained.schedule.noised(x, step, eps[b : b + 1])
                without, given = untrained.net(xt, step), untrained.net(xt, step, users[b : b + 1])
                gain = (x - without).square().sum() - (x - given).square().sum()
                expected[b, j] += gain.detach() / 2
    for cells in (1, 3 * 2 * D, 1 << 17):
        monkeypatch.setattr(detection, "CELLS", cells)
        got = untrained.rho(items, users, torch.Generator().manual_seed(5))
        torch.testing.assert_close(got, expected)


def test_it_ranks_true_positives_above_random_items(trained):
    items, users, mix, generator = pairs()
    rho = trained.rho(items, users, generator)
    auc = (rho[:, :1] > rho[:, 1]).double().mean()
    assert float(auc) > 0.9
    truth = log_ratio(items, users, mix)
    both = torch.stack([ranks(rho.flatten()), ranks(truth.flatten())])
    assert float(torch.corrcoef(both)[0, 1]) > 0.8


def test_an_untrained_detector_is_at_chance():
    items, users, _, generator = pairs()
    rho = detector(trained=False).rho(items, users, generator)
    auc = (rho[:, :1] > rho[:, 1]).double().mean()
    assert 0.4 < float(auc) < 0.6 and bool(rho.any())
    assert not detector(trained=False).minimised()


def test_rho_is_0_where_the_condition_is_ignored(trained):
    items, users, _, generator = pairs(50)
    deaf = detector()
    deaf.load_state_dict(trained.state_dict())
    with torch.no_grad():
        deaf.net.first.weight[:, D : 2 * D] = 0.0
    assert torch.allclose(deaf.rho(items, users, generator), torch.zeros(50, 2), atol=1e-5)


def test_rho_is_what_a_loop_computes(trained):
    items, users, _, _ = pairs(3)
    got = trained.rho(items, users, torch.Generator().manual_seed(3))
    generator, want = torch.Generator().manual_seed(3), torch.zeros(3, 2)
    for part in range(trained.draws):
        t = trained.stratified_steps(part, 3, items, generator)
        assert bool((t * trained.draws > part * 20).all() and (t > 0).all() and (t <= 20).all())
        eps = torch.randn(3, D, generator=generator)
        for b in range(3):
            for m in range(2):
                r = float(trained.schedule.abar[t[b]]) ** 0.5
                x = (r * items[b, m] + (1 - r * r) ** 0.5 * eps[b]).unsqueeze(0)
                with torch.no_grad():
                    null = trained.net(x, t[b : b + 1], trained.net.null.unsqueeze(0))
                    given = trained.net(x, t[b : b + 1], users[b : b + 1])
                errors = [((items[b, m] - guess) ** 2).sum() for guess in (null, given)]
                want[b, m] += (errors[0] - errors[1]) / trained.draws
    assert torch.allclose(got, want, atol=1e-5)


def test_the_loss_reaches_its_own_parameters_alone():
    untrained, generator = detector(), torch.Generator().manual_seed(0)
    users, items, _ = drawn(64, generator)
    users.requires_grad_(), items.requires_grad_()
    before = [p.detach().clone() for p in untrained.minimised()]
    optimiser = torch.optim.SGD(untrained.minimised(), lr=0.1)
    for _ in range(2):  # the last layer begins at 0
        torch.autograd.backward(untrained.loss(items, users, generator))
        optimiser.step()
    assert users.grad is None and items.grad is None
    assert len(before) == 5  # `null` too
    now = untrained.minimised()
    assert not any(torch.equal(a, b.detach()) for a, b in zip(before, now, strict=True))
