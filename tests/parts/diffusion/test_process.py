"""The mathematics of diffusion against closed forms, Bayes' rule and Monte Carlo."""

import math

import pytest
import torch

from negbench.parts.diffusion import process
from negbench.parts.diffusion.denoiser import Denoiser, timestep
from negbench.parts.diffusion.process import Catalogue, Schedule

DDRM = {"scale": 1e-2, "low": 1e-4, "high": 1e-3}
ALL = {
    **{name: make(50) for name, make in process.SCHEDULES.items()},
    "linear_var": process.linear_var(50, **DDRM),
    "snr_matched": process.snr_matched(50, 0.01),
}
N = 200_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ALL)
def test_abar_falls_and_the_posterior_keeps_the_mean(name):
    schedule = ALL[name]
    assert schedule.steps == 50 and float(schedule.abar[0]) == 1
    assert bool((schedule.abar.diff() < 0).all()) and float(schedule.abar[-1]) > 0
    t = torch.arange(1, 51)
    c1, c2, variance = schedule.posterior(t)
    # E[x_{t-1} | x_0] = c1 x_0 + c2 sqrt(abar_t) x_0 must be sqrt(abar_{t-1}) x_0
    assert torch.allclose(c1 + c2 * schedule.r[t], schedule.r[t - 1], atol=1e-10)
    # and its variance c2^2 (1 - abar_t) + v must be 1 - abar_{t-1}
    assert torch.allclose(c2**2 * (1 - schedule.abar[t]) + variance, 1 - schedule.abar[t - 1])


# 1 - abar_T of the settings in the official codes, as worked out in closed form.
@pytest.mark.parametrize(
    ("schedule", "left"),
    [
        (process.linear_var(50, 1e-2, 1e-4, 1e-3), 1.9e-5),
        (process.linear_var(30, 1e-4, 1e-4, 1e-2), 1.1e-5),
        (process.linear_var(20, 1e-4, 1e-4, 1e-3), 1.0e-5),
        (process.linear_var(20, 0.1, 1e-4, 2e-2, overwrite_first=False), 2.0e-3),
        (process.linear(20), 0.183),
        (process.linear(50), 0.397),
        (process.linear(2000), 1.0),
    ],
)
def test_published_schedules_hardly_add_noise(schedule, left):
    assert 1 - float(schedule.abar[-1]) == pytest.approx(left, rel=0.05)


@pytest.mark.parametrize("snr", [0.01, 0.5, 20.0])
def test_snr_matched_hits_what_was_asked(snr):
    assert process.snr_matched(30, snr, 0.04, 0.25).snr(0.04, 0.25) == pytest.approx(snr)


def test_step_by_step_noising_is_the_marginal():
    schedule, x0 = process.linear(20, 1e-3, 0.1), 1.5
    x, g = torch.full((N,), x0, dtype=torch.double), generator()
    for t in range(1, 21):
        alpha = float(schedule.abar[t] / schedule.abar[t - 1])
        x = alpha**0.5 * x + (1 - alpha) ** 0.5 * torch.randn(N, generator=g, dtype=torch.double)
    mean, variance = float(schedule.r[20]) * x0, 1 - float(schedule.abar[20])
    assert float(x.mean()) == pytest.approx(mean, abs=3 * (variance / N) ** 0.5)
    assert float(x.var()) == pytest.approx(variance, abs=3 * variance * (2 / N) ** 0.5)
    once = schedule.noised(torch.full((N, 1), x0), torch.full((N,), 20), torch.randn(N, 1))
    assert float(once.mean()) == pytest.approx(mean, abs=4 * (variance / N) ** 0.5)


def test_the_posterior_is_bayes_rule_on_a_grid():
    schedule, t, x0, xt = process.linear(10, 0.02, 0.3), 6, 0.7, -0.4
    grid = torch.linspace(-8, 8, 400_001, dtype=torch.double)
    before, now = float(schedule.abar[t - 1]), float(schedule.abar[t])
    alpha = now / before
    log_prior = -((grid - before**0.5 * x0) ** 2) / (2 * (1 - before))
    log_step = -((xt - alpha**0.5 * grid) ** 2) / (2 * (1 - alpha))
    p = (log_prior + log_step).softmax(0)
    mean = float((p * grid).sum())
    c1, c2, variance = (float(part) for part in schedule.posterior(torch.tensor(t)))
    assert mean == pytest.approx(c1 * x0 + c2 * xt, abs=1e-6)
    assert float((p * (grid - mean) ** 2).sum()) == pytest.approx(variance, rel=1e-5)


def test_x0_comes_back_from_its_noise_and_never_explodes():
    schedule = process.linear(2000)
    x0, eps = torch.randn(4, 3, generator=generator(1)), torch.randn(4, 3, generator=generator(2))
    t = torch.tensor([0, 1, 500, 1000])
    assert torch.allclose(schedule.clean(schedule.noised(x0, t, eps), t, eps), x0, atol=1e-4)
    late = torch.full((4,), 2000)
    assert float(schedule.abar[2000]) < 1e-4
    assert float(schedule.clean(schedule.noised(x0, late, eps), late, eps).abs().max()) < 300


def test_step_nought_is_the_clean_vector():
    x0 = torch.randn(3, 2)
    for schedule in ALL.values():
        assert torch.equal(schedule.noised(x0, torch.zeros(3, dtype=torch.long), x0 + 9), x0)


def test_an_ideal_predictor_walks_back_to_the_forward_marginal():
    schedule = process.linear(200, 1e-4, 0.05)
    m0, v0, stop, n = 1.5, 0.09, 60, 100_000
    g = generator(3)
    x = torch.randn(n, 1, generator=g, dtype=torch.double)
    for t in range(200, stop, -1):
        abar = float(schedule.abar[t])
        eps = (1 - abar) ** 0.5 * (x - abar**0.5 * m0) / (abar * v0 + 1 - abar)
        when = torch.full((n,), t)
        z = torch.randn(n, 1, generator=g, dtype=torch.double)
        x = schedule.back(x, schedule.clean(x, when, eps, least=0.0), when, z)
    abar = float(schedule.abar[stop])
    # abar_T = 0.006 is not 0, so the start is a little off: the bound on the mean is wide.
    assert float(x.mean()) == pytest.approx(abar**0.5 * m0, abs=0.02)
    assert float(x.var()) == pytest.approx(abar * v0 + 1 - abar, rel=0.02)


def test_ddim_keeps_the_trajectory_and_an_oracle_returns_x0():
    schedule = process.linear(2000)
    x0, eps = torch.randn(5, 4, generator=generator(4)), torch.randn(5, 4, generator=generator(5))
    at = schedule.noised(x0, torch.full((5,), 1500), eps)
    then = schedule.ddim(at, x0, 1500, 700)
    assert torch.allclose(then, schedule.noised(x0, torch.full((5,), 700), eps), atol=1e-5)
    for stride in (100, 500, 2000):
        x = torch.randn(5, 4, generator=generator(6))
        for t in range(2000, 0, -stride):
            x = schedule.ddim(x, x0, t, t - stride)
        assert torch.allclose(x, x0, atol=1e-5)


def test_the_centred_process_has_the_moments_of_its_closed_form():
    g = generator(7)
    items = torch.randn(400, 6, generator=g) @ torch.randn(6, 6, generator=g) + 0.5
    catalogue, query = Catalogue.of(items), torch.randn(6, generator=g)
    assert torch.allclose(catalogue.root @ catalogue.root.T, torch.cov(items.T), atol=1e-4)
    x0, r = items[3], 0.6
    x = catalogue.corrupted(x0.expand(N, -1), torch.full((N,), r), g)
    mean, spread = catalogue.moments(query.unsqueeze(0))
    s = x @ query
    want, variance = r * float(x0 @ query) + (1 - r) * float(mean), (1 - r**2) * float(spread) ** 2
    assert float(s.mean()) == pytest.approx(want, abs=4 * (variance / N) ** 0.5)
    assert float(s.var()) == pytest.approx(variance, rel=5 * (2 / N) ** 0.5)
    assert torch.equal(catalogue.corrupted(items[:2], torch.ones(2), g), items[:2])


def test_a_singular_covariance_has_a_root():
    flat = torch.randn(50, 1, generator=generator(8)) @ torch.tensor([[1.0, 2.0, 3.0]])
    catalogue = Catalogue.of(flat)
    assert torch.allclose(catalogue.root @ catalogue.root.T, torch.cov(flat.T), atol=1e-4)
    plain = Catalogue.of(flat, isotropic=0.3)
    assert not plain.mean.any() and torch.equal(plain.root, 0.3 * torch.eye(3))


def test_signal_to_noise_of_a_catalogue_against_itself():
    # Under its own covariance the signal's variance is the noise's: abar / (1 - abar) is left.
    items = torch.randn(300, 4, generator=generator(9))
    schedule = process.linear(50)
    abar = float(schedule.abar[-1])
    snr = process.signal_to_noise(schedule, items, Catalogue.of(items))
    assert snr == pytest.approx(abar / (1 - abar), rel=1e-4)


@pytest.mark.parametrize("abar", [[1.0], [0.9, 0.5], [1.0, 0.5, 0.6], [1.0, 0.0]])
def test_what_is_no_schedule_is_refused(abar):
    with pytest.raises(ValueError, match="abar must begin at 1"):
        Schedule(torch.tensor(abar, dtype=torch.double))


def test_the_denoiser_begins_at_nought_learns_and_can_drop_its_condition():
    net = Denoiser(4, 3, 16, generator=generator(1))
    x, c, t = torch.randn(6, 4), torch.randn(6, 3), torch.tensor([1, 2, 3, 4, 5, 6])
    assert not net(x, t, c).any()
    again = Denoiser(4, 3, 16, generator=generator(1))
    assert torch.equal(net.first.weight, again.first.weight)
    before = [p.detach().clone() for p in net.parameters()]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(2):  # the first step moves the last layer alone, for it begins at zero
        mixed = net.dropped(c, 0.5, generator(2))
        optimiser.zero_grad()
        ((net(x, t, mixed) - x) ** 2).mean().backward()
        optimiser.step()
    assert all(not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True)), (
        "every declared parameter must change"
    )
    assert torch.equal(net.dropped(c, 1.0, generator(3)), net.null.expand(6, -1))
    assert torch.equal(net.dropped(c, 0.0, generator(3)), c)
    assert torch.allclose(net(x, t), net(x, t, net.null.expand(6, -1)))


def test_times_are_told_apart():
    embedded = timestep(torch.arange(50))
    assert embedded.shape == (50, 32)
    distances = torch.cdist(embedded, embedded) + 9 * torch.eye(50)
    assert float(distances.min()) > 0.1
    assert math.isclose(float(embedded[0, 0]), 0.0) and math.isclose(float(embedded[0, 16]), 1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_item_vectors_that_are_no_numbers_are_refused_in_one_sentence(bad):
    items = torch.randn(9, 4, generator=generator())
    items[3, 2] = bad
    with pytest.raises(ArithmeticError, match="item vectors must be finite numbers; .*; lower lr"):
        Catalogue.of(items)
