"""E_n in closed form, against every subset; its band, its cost, and what stops it."""

from itertools import combinations
from math import comb, isnan
from statistics import fmean

import numpy as np
import pytest
from helpers.search_files import pending, search, trial

from negbench.analysis.tuning import expected_score as module
from negbench.analysis.tuning.expected_score import bands, curve, expected_scores, passes, why_none
from negbench.analysis.tuning.searches import Searched

NAN = float("nan")


def by_subsets(valid, test):
    """The mean over all subsets of n of the test score of the best by validation."""
    worst = min(t for v, t in zip(valid, test, strict=True) if not isnan(v))
    filled = [worst if isnan(v) else t for v, t in zip(valid, test, strict=True)]
    ranks = [-np.inf if isnan(v) else v for v in valid]
    curve = []
    for n in range(1, len(valid) + 1):
        scores = []
        for drawn in combinations(range(len(valid)), n):
            top = max(ranks[i] for i in drawn)
            scores.append(fmean(filled[i] for i in drawn if ranks[i] == top))
        curve.append(fmean(scores))
    return curve


@pytest.mark.parametrize("n", range(1, 10))
def test_the_closed_form_is_the_mean_over_all_subsets(n):
    rng = np.random.default_rng(n)
    valid, test = rng.random((2, n))
    assert expected_scores(valid, test) == pytest.approx(by_subsets(valid, test), abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_ties_and_failed_trials_too(seed):
    rng = np.random.default_rng(seed)
    valid, test = rng.integers(0, 3, 8) / 10, rng.random(8)
    valid[rng.permutation(8)[:2]] = NAN
    test[np.isnan(valid)] = NAN
    assert expected_scores(valid, test) == pytest.approx(by_subsets(valid, test), abs=1e-12)


def test_one_trial_is_the_mean_and_all_are_the_winner():
    expected = expected_scores([0.3, 0.1, 0.2], [0.5, 0.9, 0.1])
    assert expected[0] == pytest.approx(0.5) and expected[-1] == 0.5
    assert expected[1] == pytest.approx((0.5 + 0.5 + 0.1) / 3)


def test_a_failed_trial_scores_as_the_lowest_that_finished():
    expected = expected_scores([0.3, NAN, 0.2], [0.5, NAN, 0.1])
    assert expected == pytest.approx([(0.5 + 0.1 + 0.1) / 3, (0.5 + 0.5 + 0.1) / 3, 0.5])


@pytest.mark.parametrize("n_trials", [1, 2, 7, 300])
def test_chances_are_those_of_the_binomials_however_many(n_trials):
    chances = module.pick_chances(n_trials)
    assert chances.sum(axis=0) == pytest.approx(np.ones(n_trials), abs=1e-12)
    for k, n in [(1, 1), (1, n_trials), (n_trials, 1), ((n_trials + 1) // 2, (n_trials + 2) // 3)]:
        exact = comb(n_trials - k, n - 1) / comb(n_trials, n)
        assert chances[k - 1, n - 1] == pytest.approx(exact, abs=1e-14)


def test_the_order_of_the_trials_means_nothing():
    rng = np.random.default_rng(3)
    valid, test = rng.integers(0, 4, 12) / 10, rng.random(12)
    turned = rng.permutation(12)
    assert expected_scores(valid[turned], test[turned]) == pytest.approx(
        expected_scores(valid, test), abs=1e-12
    )


def test_a_band_is_of_the_closed_form_over_resampled_trials():
    """The same draws, one by one, through the closed form that the subsets agree with."""
    rng = np.random.default_rng(5)
    valid, test = rng.integers(0, 4, 6) / 10, rng.random(6)
    valid[2], test[2] = NAN, NAN
    low, high = bands(valid, test, draws=199)
    filled = np.where(np.isnan(valid), np.nanmin(test), test)
    drawn = module.generator("trials").integers(0, 6, (199, 6))
    ranks = np.where(np.isnan(valid), -1.0, valid)
    curves = np.sort([expected_scores(ranks[d], filled[d]) for d in drawn], axis=0)
    assert low == pytest.approx(curves[4]) and high == pytest.approx(curves[194])


def test_bands_are_the_same_each_time_and_hold_the_curve():
    rng = np.random.default_rng(8)
    valid = rng.random(16)
    test = valid + 0.1 * rng.random(16)
    low, high = bands(valid, test)
    again = bands(valid, test)
    assert (low == again[0]).all() and (high == again[1]).all()
    expected = expected_scores(valid, test)
    assert (low <= expected + 1e-12).all() and (expected <= high + 1e-12).all()
    assert (low < high).all()


def test_one_trial_has_no_band():
    low, high = bands([0.1], [0.2])
    assert np.isnan(low).all() and np.isnan(high).all()


def test_costs_are_n_times_the_mean_of_a_trial():
    trials = [trial(0, 0.1, 0.2, cpu_seconds=10.0), trial(1, None, None, cpu_seconds=20.0)]
    trials += [trial(2, 0.3, 0.1, cpu_seconds=None)]
    row = curve(Searched(search("dns", trials)))
    assert row.cpu_seconds.tolist() == [15.0, 30.0, 45.0]
    assert row.dots.tolist() == [1000.0, 2000.0, 3000.0]
    assert (row.planned, row.failed, row.complete) == (3, 1, True)


def test_pending_trials_are_no_part_of_it():
    row = curve(Searched(search("dns", [(0.1, 0.2), (0.3, 0.4), pending(2), pending(3)])))
    assert row.trials == "2 of 4" and not row.complete
    assert row.expected == pytest.approx([0.3, 0.4]) and row.final == pytest.approx(0.4)


def test_why_a_row_has_no_curve():
    cut = search("dns", [(0.1, 0.2), trial(1, 0.3, 0.1, status="cut")])
    for given, reason in [
        (search("dns", [pending(0)]), module.NONE),
        (search("dns", [(None, None)]), module.NONE),
        (search("dns", [(0.1, 0.2), (0.3, None)]), module.NO_TEST),
        (cut, module.CUT),
    ]:
        assert why_none(Searched(given)) == reason
        assert curve(Searched(given)) is None
    assert why_none(Searched(search("dns", [(0.1, 0.2)]))) == ""


def test_passing_is_strict_up_to_rounding():
    assert passes([0.1, 0.2, 0.3], 0.2) == 3
    assert passes([0.1, 0.2 + 1e-15], 0.2) is None
    assert passes([0.3, 0.1], 0.2) == 1
