"""The margin: likely pools ask for less, and the running mean moves when it should."""

import pytest
import torch

from negbench.methods.napo.margin import Margin
from negbench.methods.napo.neighbour_pools import pool_of

G = torch.Generator().manual_seed(2)
STATES, SCORES = torch.randn(8, 3, generator=G), torch.randn(8, 6, generator=G)
POOL = pool_of(STATES, 0.0, 4)
ALL = torch.ones_like(SCORES, dtype=torch.bool)


def test_a_likely_pool_has_a_smaller_margin():
    margin = Margin("batch", 1.0, 0.3)
    likely = SCORES + (POOL.group == 1).float().unsqueeze(1)
    gamma = margin.of(likely, POOL, ALL)
    assert (gamma[POOL.group == 1] < gamma[POOL.group == 0].min()).all()
    assert [len(set(gamma[POOL.group == g].tolist())) for g in (0, 1)] == [1, 1]


def test_the_published_form_by_hand():
    """Raw scores, no clamp, against the mean of the steps before."""
    margin = Margin("batch", 1.5, 0.3, 0.9, standardise=False, clamp=False)
    one = pool_of(STATES, 0.0, 8)
    first = margin.of(SCORES, one, ALL)
    torch.testing.assert_close(first, torch.full((8,), 1.5))
    margin.update_mean()
    before = float(SCORES.mean())
    gamma = margin.of(SCORES + 10, one, ALL)
    torch.testing.assert_close(gamma, torch.full((8,), 1.5 * (1 - 0.3 * 10)))
    margin.update_mean()
    assert margin.mean == pytest.approx(0.9 * before + 0.1 * (before + 10), rel=1e-5)


def test_the_released_order_moves_the_mean_first_from_0():
    """By hand, and equal to ours at alpha times the momentum from the same mean."""
    released = Margin("batch", 1.0, 0.3, 0.9, standardise=False, clamp=False, mean_first=True)
    ours = Margin("batch", 1.0, 0.3 * 0.9, 0.9, standardise=False, clamp=False)
    one, scores = pool_of(STATES.double(), 0.0, 8), SCORES.double()
    mean, ours.mean = 0.0, 0.0
    for shift in (2.0, 5.0, -1.0):
        now = scores + shift
        m = float(now.mean())
        after = 0.9 * mean + 0.1 * m
        gamma = released.of(now, one, ALL)
        assert float(gamma[0]) == pytest.approx(1 - 0.3 * (m - after), abs=2e-15)
        torch.testing.assert_close(gamma, ours.of(now, one, ALL), rtol=0, atol=2e-15)
        released.update_mean(), ours.update_mean()
        mean = after
        assert released.mean == ours.mean == pytest.approx(mean, abs=1e-15)
    later = Margin("batch", 1.0, 0.3, standardise=False, clamp=False).of(scores + 2, one, ALL)
    assert (later == 1).all(), "the other order starts at the first step's own mean"


def test_nothing_moves_it_but_a_step_that_used_it():
    margin = Margin("batch", 1.0, 0.3)
    margin.of(SCORES, POOL, ALL), margin.update_mean()
    kept = margin.mean
    margin.update_mean()
    assert margin.mean == kept
    again = margin.of(SCORES + 1, POOL, ALL)
    assert torch.equal(again, margin.of(SCORES + 1, POOL, ALL)) and margin.mean == kept


@pytest.mark.parametrize("kind", ["fixed", "batch", "per_negative"])
def test_alpha_0_leaves_gamma_0(kind):
    gamma = torch.as_tensor(Margin(kind, 1.5, 0.0).of(SCORES, POOL, ALL))
    assert (gamma == 1.5).all()


def test_off_is_0_whatever_gamma():
    assert Margin("off", 1.5, 0.3).of(SCORES, POOL, ALL) == 0


def test_each_negative_by_its_own_score():
    gamma = Margin("per_negative", 1.0, 0.3, clamp=False).of(SCORES, POOL, ALL)
    z = (SCORES - SCORES.mean()) / SCORES.std(correction=0)
    torch.testing.assert_close(gamma, 1 - 0.3 * z)


def test_a_clamped_margin_stays_between_0_and_twice_gamma():
    gamma = Margin("per_negative", 1.0, 5.0).of(SCORES, POOL, ALL)
    assert float(gamma.min()) == 0 and float(gamma.max()) == 2


def test_what_is_masked_does_not_count():
    mask = torch.rand(SCORES.shape, generator=G) < 0.5
    poisoned = torch.where(mask, SCORES, 1e6)
    for kind in ("batch", "per_negative"):
        plain, other = (Margin(kind, 1.0, 0.3).of(s, POOL, mask) for s in (SCORES, poisoned))
        if kind == "batch":
            torch.testing.assert_close(plain, other)
        else:
            torch.testing.assert_close(plain[mask], other[mask])
    assert Margin("batch", 1.0, 0.3).of(SCORES, POOL, ~ALL) == 1.0
