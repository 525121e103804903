from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from negbench.analysis.statistics.effect_sizes import effects, standardised
from negbench.analysis.statistics.multiple_testing import CORRECTIONS, benjamini_hochberg, holm
from negbench.analysis.statistics.paired_tests import (
    FLIPS,
    sign_flips,
    signed_rank,
    signed_ranks,
)

SAMPLES = st.lists(st.sampled_from([-0.5, -0.25, 0.0, 0.25, 1.0]), min_size=2, max_size=12)


def test_signed_rank_by_hand() -> None:
    # The zero goes; ranks of |1 2 -3 4 5| are 1 2 3 4 5: 3 against 12. Of the 32 flips of signs
    # those with a rank sum of 3 or less are {} {1} {2} {3} {1,2}: 5, on both sides 10 / 32.
    assert signed_rank([1.0, 2.0, 0.0, -3.0, 4.0, 5.0]) == pytest.approx((3.0, 10 / 32))
    assert signed_rank([0.0, 0.0, 0.0]) == (0.0, 1.0)
    assert np.isnan(signed_rank([0.5])).all()


def test_signed_rank_equals_scipy_and_takes_rounding_for_ties() -> None:
    d = np.random.default_rng(1).normal(0.2, 1, 200)
    theirs = stats.wilcoxon(d)
    assert signed_rank(d) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-3)
    plain = np.repeat([-0.25, 0.0, 0.5], [20, 50, 30])
    noisy = plain + np.random.default_rng(2).uniform(-1e-8, 1e-8, 100)
    assert signed_rank(noisy) == pytest.approx(signed_rank(plain))


def test_sign_flips_near_the_whole_enumeration() -> None:
    d = np.array([0.4, 0.1, 0.3, -0.2, 0.5, 0.25])
    signs = np.array(list(product((-1, 1), repeat=6)))
    exact = (np.abs(signs @ d) >= d.sum() - 1e-12).mean()
    mean, p = sign_flips(d[:, None])
    assert mean == pytest.approx([d.mean()])
    assert p[0] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / FLIPS))


def test_sign_flips_equal_scipy_within_chance() -> None:
    d = np.random.default_rng(3).normal(0.12, 1, 150)
    theirs = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=FLIPS, rng=np.random.default_rng(4)
    )
    p = sign_flips(d[:, None])[1][0]
    assert p == pytest.approx(theirs.pvalue, abs=6 * np.sqrt(p * (1 - p) / FLIPS))


def test_sign_flips_are_never_zero_and_the_same_every_time() -> None:
    d = np.column_stack([np.ones(60), np.linspace(-1, 1.4, 60), np.zeros(60)])
    _, p = sign_flips(d)
    assert p[0] == 1 / (1 + FLIPS) and p[2] == 1
    assert (sign_flips(d)[1] == p).all()
    assert sign_flips(d[:, [1]])[1] == pytest.approx(p[1])
    holed = np.vstack([d, np.full((4, 3), np.nan)])
    assert np.isfinite(sign_flips(holed)[1]).all()


@settings(deadline=None, max_examples=40)
@given(SAMPLES, st.sampled_from([signed_ranks, sign_flips]))
def test_p_lies_in_zero_to_one_and_is_two_sided(values: list[float], test: Any) -> None:
    d = np.array(values)[:, None]
    p, turned = test(d)[1][0], test(-d)[1][0]
    assert 0 <= p <= 1
    assert p == pytest.approx(turned)


def test_holm_by_hand() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, then made monotone.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]).tolist() == []


def test_benjamini_hochberg_by_hand_and_by_scipy() -> None:
    # Sorted .005 .01 .03 .04 times 4/1 4/2 4/3 4/4 = .02 .02 .04 .04.
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    p = np.random.default_rng(0).uniform(size=30)
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


@pytest.mark.parametrize("name", CORRECTIONS)
def test_corrections_pass_over_the_unknown(name: str) -> None:
    correct = CORRECTIONS[name][1]
    adjusted = correct([np.nan, 0.01, 0.02])
    assert np.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx(correct([0.01, 0.02]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrections_stand_in_order(p: list[float]) -> None:
    raw, fdr, family = np.array(p), benjamini_hochberg(p), holm(p)
    assert (raw <= fdr + 1e-12).all() and (fdr <= family + 1e-12).all()
    assert (family <= np.minimum(1, raw * len(p)) + 1e-12).all()


def test_effect_and_counts_by_hand() -> None:
    # .2 .2 .1 .2: mean .175, standard deviation .05, so d_z = 3.5; all four users win.
    frame = effects(np.array([[0.2], [0.2], [0.1], [0.2]]))
    assert frame["effect"][0] == pytest.approx(3.5)
    assert frame[["wins", "ties", "losses"]].loc[0].tolist() == [4, 0, 0]
    mixed = effects(np.array([[0.5], [0.0], [1e-9], [-0.2], [np.nan]]))
    assert mixed[["wins", "ties", "losses"]].loc[0].tolist() == [1, 2, 1]


def test_effect_of_equal_differences() -> None:
    frame = effects(np.column_stack([np.zeros(5), np.full(5, 0.3), np.full(5, -0.3)]))
    assert frame["effect"].tolist() == [0, np.inf, -np.inf]
    assert frame["effect_low"].tolist() == frame["effect_high"].tolist() == [0, np.inf, -np.inf]


def test_the_interval_equals_scipy_within_chance() -> None:
    d = np.random.default_rng(5).exponential(1, 80) - 0.6

    def d_z(x: np.ndarray, axis: int = -1) -> np.ndarray:
        return x.mean(axis=axis) / x.std(axis=axis, ddof=1)

    theirs = stats.bootstrap(
        (d,), d_z, n_resamples=9999, method="BCa", rng=np.random.default_rng(6)
    ).confidence_interval
    ours = effects(d[:, None], draws=9999)
    wide = theirs.high - theirs.low
    assert ours["effect_low"][0] == pytest.approx(theirs.low, abs=0.04 * wide)
    assert ours["effect_high"][0] == pytest.approx(theirs.high, abs=0.04 * wide)


@settings(deadline=None)
@given(SAMPLES)
def test_the_effect_is_antisymmetric(values: list[float]) -> None:
    d = np.array(values)[:, None]
    here, there = effects(d, draws=199), effects(-d, draws=199)
    assert here["effect"][0] == pytest.approx(-there["effect"][0])
    assert here["effect_low"][0] == pytest.approx(-there["effect_high"][0])
    assert here["wins"][0] == there["losses"][0]
    assert (standardised(d) == here["effect"]).all()
