"""The rules of transition against their closed forms, Monte Carlo, and their limits."""

import math
from statistics import NormalDist

import pytest
import torch

from negbench.methods.adar import transition_rules as rules
from negbench.methods.adar.transition_rules import Rule, ScoreStatistics, step_of
from negbench.parts.diffusion import process
from negbench.parts.diffusion.process import Catalogue

N = 200_000
NORMAL = NormalDist()
RULES = {
    "boundary": rules.boundary,
    "quantile": lambda at: rules.quantile(at, 0.3),
    "snr": lambda at: rules.snr(at, 2.0),
    "violation": lambda at: rules.violation(at, 0.1),
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def statistics(positive, mean=0.0, spread=1.0, bound=1.0) -> ScoreStatistics:
    values = torch.broadcast_tensors(
        *(torch.as_tensor(v, dtype=torch.double) for v in (positive, mean, spread, bound))
    )
    return ScoreStatistics(*(v.reshape(-1) for v in values))


@pytest.fixture(scope="module")
def scene():
    """A catalogue with a mean and a skewed covariance, a user and a well ranked positive."""
    g = generator(3)
    items = torch.randn(500, 5, generator=g, dtype=torch.double)
    items = items @ torch.randn(5, 5, generator=g, dtype=torch.double) + 0.7
    catalogue = Catalogue.of(items)
    query = torch.randn(5, generator=g, dtype=torch.double)
    best = items[(items @ query).argmax()]
    mean, spread = catalogue.moments(query.unsqueeze(0))
    at = ScoreStatistics(query @ best.unsqueeze(1), mean, spread, mean + 2 * spread)
    return catalogue, query, best, at


def scores(scene, r: torch.Tensor, seed: int) -> torch.Tensor:
    """Monte Carlo: the scores of N corruptions of the positive at r."""
    catalogue, query, best, _ = scene
    x = catalogue.corrupted(best.expand(N, -1), r.expand(N), generator(seed))
    return x @ query


def test_at_the_boundary_the_expected_score_is_the_bound(scene):
    at = scene[-1]
    s = scores(scene, rules.boundary(at), 1)
    assert float(s.mean()) == pytest.approx(float(at.bound), abs=4 * float(s.std()) / N**0.5)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.7, 0.9])
def test_above_the_bound_with_probability_p(scene, p):
    at = scene[-1]
    r = rules.quantile(at, p)
    spread = (1 - r**2).sqrt() * at.spread
    mean = r * at.positive + (1 - r) * at.mean
    assert NORMAL.cdf(float((mean - at.bound) / spread)) == pytest.approx(p, abs=1e-9)
    share = float((scores(scene, r, 2) > at.bound).double().mean())
    assert share == pytest.approx(p, abs=4 * (p * (1 - p) / N) ** 0.5)


def test_where_plain_noise_is_above_too_often_the_answer_is_noise(scene):
    at = scene[-1]  # noise alone is above the bound with probability 0.023
    assert float(rules.quantile(at, 0.025)) > 0 and not rules.quantile(at, 0.02).any()


def test_half_a_quantile_is_the_boundary(scene):
    at = scene[-1]
    assert torch.allclose(rules.quantile(at, 0.5), rules.boundary(at))


@pytest.mark.parametrize("kappa", [1.0, 2.0, 3.0])
def test_at_kappa_the_midpoint_errs_as_it_must(scene, kappa):
    catalogue, query, _, at = scene
    r = rules.snr(at, kappa)
    delta = at.margin / at.spread
    assert torch.allclose(r**2, kappa**2 / (kappa**2 + delta**2))
    positive = scores(scene, r, 3)
    # The same noise without the positive in it, and the threshold halfway between the two.
    noise = (1 - r**2).sqrt() * (catalogue.noise(N, generator(4)) @ query) + at.mean
    middle = at.mean + r * at.margin / 2
    error = float(((positive < middle).double() + (noise > middle)).mean()) / 2
    want = NORMAL.cdf(-kappa / 2)
    assert error == pytest.approx(want, abs=4 * (want / N) ** 0.5)


@pytest.mark.parametrize("eta", [0.02, 0.1, 0.2, 0.4])
def test_the_positive_is_outscored_at_the_rate_eta(scene, eta):
    at = scene[-1]
    r = rules.violation(at, eta)
    # The whole curve: P(s_t > s_0) = Phi(-delta sqrt((1 - r) / (1 + r)))
    delta = float(at.margin / at.spread)
    curve = NORMAL.cdf(-delta * math.sqrt(float((1 - r) / (1 + r))))
    assert curve == pytest.approx(eta, abs=1e-9)
    share = float((scores(scene, r, 5) > at.positive).double().mean())
    assert share == pytest.approx(eta, abs=4 * (eta * (1 - eta) / N) ** 0.5)


def test_close_to_the_positive_half_of_the_negatives_outscore_it(scene):
    share = float((scores(scene, torch.tensor(0.9999), 6) > scene[-1].positive).double().mean())
    assert share == pytest.approx(0.5, abs=0.03)


def test_mean_hardness_falls_along_the_path_only_from_above_the_mean(scene):
    catalogue, query, best, _ = scene
    worst = catalogue.mean - (best - catalogue.mean)
    for x0, sign in ((best, 1), (worst, -1)):
        means = []
        for r in (0.95, 0.7, 0.4, 0.1):
            x = catalogue.corrupted(x0.expand(N, -1), torch.full((N,), r), generator(7))
            means.append(float((x @ query).mean()))
        assert means == sorted(means, reverse=sign > 0)


def test_the_rules_move_as_the_margin_grows():
    at = statistics(torch.linspace(1.5, 9, 40), bound=1.28)
    assert bool((rules.boundary(at).diff() < 0).all())  # a later step for a better positive
    assert bool((rules.snr(at, 2.0).diff() < 0).all())
    assert bool((rules.violation(at, 0.1).diff() > 0).all())  # safe to stay closer
    table = process.cosine(50).r
    assert bool((step_of(rules.boundary(at), table).diff() >= 0).all())


def test_the_lesser_of_both_is_the_default(scene):
    at = statistics(torch.linspace(-2, 9, 60), bound=1.28)
    both = torch.stack([rules.boundary(at), rules.violation(at, 0.1)])
    assert torch.equal(Rule("min").from_scores(at), both.amin(0))
    for name in ("boundary", "quantile", "snr", "violation"):
        assert Rule(name).from_scores(at).shape == at.mean.shape
    with pytest.raises(ValueError, match="unknown rule 'minimum'"):
        Rule("minimum").from_scores(at)
    # The weakest positive above its bound: boundary alone returns nearly the positive itself.
    weak = statistics(1.2801, bound=1.28)
    assert float(rules.boundary(weak)) > 0.99 and float(rules.violation(weak, 0.1)) < 0.01


@pytest.mark.parametrize("name", RULES)
def test_no_rule_is_undefined_anywhere(name):
    edge = [-math.inf, -3.0, -1e-300, 0.0, 1e-300, 1e-30, 1.0, 4.0, 1e30]
    grid = torch.cartesian_prod(
        torch.tensor(edge[1:], dtype=torch.double),
        torch.tensor([0.0, 1.0, 1e-30], dtype=torch.double),
        torch.tensor([0.0, 1e-300, 1.0], dtype=torch.double),
        torch.tensor([*edge, math.inf], dtype=torch.double),
    )
    for dtype in (torch.double, torch.float):
        at = ScoreStatistics(*grid.to(dtype).unbind(1))
        r = RULES[name](at)
        assert not bool(r.isnan().any()) and bool(((r >= 0) & (r <= 1)).all())


def test_a_positive_below_its_bound_is_gated():
    at = statistics([0.5, 1.0, -2.0, 0.0], bound=1.0)
    assert not rules.boundary(at).any() and not rules.quantile(at, 0.7).any()
    below = statistics([1.2, 0.0, -5.0])
    assert not rules.violation(below, 0.1).any()  # margins up to 1.28 spreads
    assert not rules.snr(statistics([0.0, -1.0]), 2.0).any()
    # Where a user's score knows no spread, there is no noise to hide in.
    flat = statistics([3.0, 0.0], spread=0.0)
    assert not rules.violation(flat, 0.1).any() and not rules.snr(flat, 2.0).any()
    # A bound that no noise falls below is never met.
    assert not rules.boundary(statistics(3.0, bound=-1.0)).any()


@pytest.mark.parametrize("schedule", [process.cosine(50), process.snr_matched(30, 0.01)])
def test_the_step_is_the_first_at_or_past_r(schedule):
    table = schedule.r
    r = torch.cat([torch.linspace(0, 1, 97, dtype=torch.double), table])
    for one, t in zip(r.tolist(), step_of(r, table).tolist(), strict=True):
        below = [k for k, value in enumerate(table.tolist()) if value <= one]
        assert t == (below[0] if below else schedule.steps)


def test_on_the_steps_the_expected_score_brackets_the_bound():
    table = process.cosine(50).r
    at = statistics(torch.linspace(1.5, 9, 40), bound=1.28)
    t = step_of(rules.boundary(at), table)
    assert bool((t >= 1).all())
    here, before = table[t] * at.positive, table[t - 1] * at.positive
    assert bool(((here <= at.bound) & (at.bound < before)).all())


def test_the_ends_of_the_path(scene):
    catalogue, _, best, _ = scene
    x0 = best.expand(N, -1)
    assert torch.equal(catalogue.corrupted(x0, torch.ones(N), generator(8)), x0)
    noise = catalogue.corrupted(x0, torch.zeros(N), generator(9))
    assert torch.allclose(noise.mean(0), catalogue.mean, atol=0.05)
    assert torch.allclose(
        torch.cov(noise.T), catalogue.root @ catalogue.root.T, rtol=0.05, atol=0.05
    )


def test_what_is_chosen_is_bounded_and_rounded_down():
    at, table = statistics([9.0, 3.0, 0.1], bound=1.28), process.cosine(50).r
    plain = Rule("violation", eta=0.4).from_scores(at)
    bounded = Rule("violation", eta=0.4, r_max=0.9).choose(at, table, generator())
    assert torch.equal(bounded, plain.clamp(max=0.9)) and float(bounded[0]) == 0.9
    rounded = Rule("violation", eta=0.4, discrete=True).choose(at, table, generator())
    assert bool((rounded <= plain).all()) and float(rounded[2]) == float(plain[2])
    assert torch.isin(rounded[:2], table).all()
    # A gated row is noise itself, not the last step of the schedule.
    assert not Rule("boundary", discrete=True).choose(statistics(0.5), table, generator()).any()


def test_the_controls_read_no_score():
    table, many = process.cosine(50).r, statistics(torch.zeros(50_000))
    assert torch.equal(Rule("fixed", at=0.1).choose(many, table, generator()).unique(), table[5:6])
    steps = step_of(Rule("random").choose(many, table, generator()), table)
    counts = torch.bincount(steps, minlength=51).double()
    assert counts[0] == 0 and bool(((counts[1:] - 1000).abs() < 5 * 1000**0.5).all())
