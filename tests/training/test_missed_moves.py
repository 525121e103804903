"""What Adam still moves a row by after its last gradient: against the sum, term by term."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from negbench.training.missed_moves import CUT, MissedMoves, ratio

BETAS = (0.9, 0.999)
EPSILON = 1e-8


def terms(last, step, rates, betas=BETAS):
    """w_k r^(k - s) and c_k of the steps after `last`, in float64; rates[k] is that of step k."""
    k = np.arange(last + 1, step + 1)
    spread = np.sqrt(1 - betas[1] ** k)
    weights = rates[k] * spread / (1 - betas[0] ** k) * ratio(betas) ** (k - last)
    return weights, spread / np.sqrt(betas[1]) ** (k - last)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 400),
    st.integers(1, 500),
    st.sampled_from([BETAS, (0.9, 0.95), (0.5, 0.9), (0.8, 0.98)]),
    st.floats(-12, 0),
    st.integers(0, 2**32 - 1),
)
def test_the_sum_and_its_bound(last, gap, betas, exponent, seed):
    rates = np.random.default_rng(seed).choice([0.01, 0.002], last + gap + 1)
    missed = MissedMoves(betas)
    for rate in rates[1:]:
        missed.advance(rate)
    moves, c = (float(x) for x in missed.of(torch.tensor([last], dtype=torch.int32)))
    weights, spreads = terms(last, last + gap, rates, betas)
    assert moves == pytest.approx(weights.sum(), rel=1e-5)
    root = 10.0**exponent  # sqrt(v); the first moment is 1
    exact = (weights / (root + EPSILON * spreads)).sum()
    share = 1 - moves / (root + EPSILON * c) / exact
    mean = np.average(spreads, weights=weights)
    variance = np.average((spreads - mean) ** 2, weights=weights)
    low = root + EPSILON * spreads.min()
    bound = EPSILON**2 * variance / (low * (root + EPSILON * mean))
    assert -1e-5 <= share <= bound + 1e-5


@pytest.mark.parametrize(("last", "most"), [(1, 0.2), (10, 0.05), (100, 2e-3), (1000, 6e-5)])
def test_the_share_that_epsilon_costs_at_most_is_as_stated(last, most):
    rates = np.full(last + 200, 0.01)
    weights, spreads = terms(last, last + 180, rates)
    mean = np.average(spreads, weights=weights)
    worst = max(
        1 - weights.sum() / (root + EPSILON * mean) / (weights / (root + EPSILON * spreads)).sum()
        for root in (0, *np.logspace(-14, -4, 41))
    )
    assert worst < most


def test_what_is_cut_off_is_less_than_stated():
    missed = MissedMoves(BETAS)
    weights, _ = terms(1, 1000, np.full(1001, 0.01))
    assert weights[missed.reach :].sum() < CUT / (1 - ratio(BETAS)) * weights.sum()
    assert CUT / (1 - ratio(BETAS)) < 1.01e-7


def test_a_restart_forgets_what_was_before():
    missed, fresh = MissedMoves(BETAS), MissedMoves(BETAS, step=5)
    for _ in range(5):
        missed.advance(0.1)
    missed.restart(5)
    for each in (missed, fresh):
        each.advance(0.3)
    assert missed.of(torch.tensor([5])) == fresh.of(torch.tensor([5]))


def test_more_steps_than_there_was_room_for():
    missed = MissedMoves(BETAS)
    for _ in range(2500):
        missed.advance(0.01)
    moves, _ = missed.of(torch.tensor([2400, 1]))
    wanted = [terms(last, 2500, np.full(2501, 0.01))[0].sum() for last in (2400, 1)]
    assert moves.squeeze(1).tolist() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("betas", [(0.9, 0.8), (0.99, 0.999), (0.9, 0.0), (0.0, 0.9)])
def test_moments_whose_moves_do_not_die_out_are_refused(betas):
    with pytest.raises(ValueError, match="must be above 0 and at most"):
        MissedMoves(betas)
