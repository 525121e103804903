"""The space of a denoiser and the walk back through it, against closed forms."""

import pytest
import torch
from helpers.probe_scenarios import small_scenario

from negbench.errors import UserError
from negbench.parts.diffusion import latent_space, process
from negbench.parts.diffusion.latent_space import Space
from negbench.parts.diffusion.process import Catalogue

N = 50_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def items(n: int = 500, d: int = 4) -> torch.Tensor:
    mixed = torch.randn(n, d, generator=generator()) @ torch.randn(d, d, generator=generator(1))
    return 0.05 * mixed + 0.3


@pytest.mark.parametrize("noise", ["catalogue", "unit"])
def test_out_undoes_into(noise):
    x = items()
    space = Space.of(x, noise)
    assert torch.allclose(space.unstandardise(space.standardise(x)), x, atol=1e-6)
    if noise == "unit":
        assert torch.equal(space.standardise(x), x)
    else:
        y = space.standardise(x)
        assert float(y.square().mean()) == pytest.approx(1, rel=1e-4)
        assert torch.allclose(y.mean(0), torch.zeros(4), atol=1e-5)


def test_noised_is_the_centred_process():
    x = items()
    space, schedule = Space.of(x), process.cosine(20)
    t = torch.full((N,), 12)
    y, eps = latent_space.noised(space, schedule, x[:1].expand(N, -1), t, generator(2))
    left = float(schedule.r[12])
    want = left * x[0] + (1 - left) * x.mean(0)
    got = space.unstandardise(y)
    assert torch.allclose(got.mean(0), want, atol=2e-3)
    sigma = Catalogue.of(x).root
    assert torch.allclose(got.T.cov(), (1 - left**2) * sigma @ sigma.T, rtol=0.05, atol=2e-4)
    assert torch.allclose(
        schedule.clean(y, t, eps), space.standardise(x[:1]).expand(N, -1), atol=1e-4
    )


def test_items_that_are_all_alike_have_a_space():
    space = Space.of(torch.full((3, 4), 0.5))
    assert bool(torch.isfinite(space.standardise(torch.ones(2, 4))).all())


def test_a_walk_visits_its_marks():
    assert latent_space.chain_steps(20, [15, 10, 5, 0]) == list(range(20, -1, -1))
    assert latent_space.chain_steps(50, [5, 6, 25], 10) == [50, 40, 30, 25, 20, 10, 6, 5]
    assert latent_space.chain_steps(10, [10]) == [10]


@pytest.mark.parametrize("stride", [1, 3, 50])
def test_a_walk_that_knows_x_0_stays_on_the_path(stride):
    schedule, x0 = process.cosine(50), items(5)
    eps = torch.randn(5, 4, generator=generator())
    last = torch.full((5,), 50)
    start = schedule.noised(x0, last, eps)
    chain = latent_space.reverse_chain(
        schedule, start, [0, 7, 25, 50], lambda y, t: x0, stride=stride
    )
    for mark, y in chain.items():
        want = schedule.noised(x0, torch.full((5,), mark), eps)
        assert torch.allclose(y, want, atol=1e-4), mark


def test_an_ancestral_walk_with_the_best_guess_ends_in_the_law_of_the_positives():
    """E[x_0 | x_t] of x_0 ~ N(m, v): stations are N(r m, abar v + 1 - abar)."""
    m, v, schedule, g = 1.3, 0.2, process.cosine(300), generator(3)

    def best(y: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        abar = schedule.abar[t].float().unsqueeze(1)
        return m + abar.sqrt() * v * (y - abar.sqrt() * m) / (abar * v + 1 - abar)

    start = torch.randn(20_000, 1, generator=g)
    noise = lambda: torch.randn(20_000, 1, generator=g)  # noqa: E731
    for t, y in latent_space.reverse_chain(
        schedule, start, [150, 30, 0], best, noise=noise
    ).items():
        abar = float(schedule.abar[t])
        assert float(y.mean()) == pytest.approx(abar**0.5 * m, abs=0.02)
        assert float(y.var()) == pytest.approx(abar * v + 1 - abar, rel=0.05)


def test_an_ancestral_walk_takes_every_step():
    with pytest.raises(ValueError, match="takes every step; got stride=2"):
        latent_space.reverse_chain(
            process.linear(10),
            items(),
            [0],
            lambda y, t: y,
            stride=2,
            noise=lambda: torch.zeros(500, 4),
        )


def test_a_loop_that_does_not_say_its_width_is_refused():
    context = small_scenario().train_context(seed=0, device=torch.device("cpu"))
    with pytest.raises(UserError, match="must know the vectors' width"):
        latent_space.denoiser_of(context, 8, conditioned=True)
