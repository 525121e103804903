"""Intervals of means over users and seeds, against textbook formulas and a naive bootstrap."""

import numpy as np
import pytest
from scipy import stats

from negbench.analysis.audit.intervals import apart, estimate, ratio
from negbench.analysis.statistics.bootstrap import order_statistic, resampled_sums


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_one_seed_is_the_t_interval_of_the_mean(rng):
    x = rng.normal(1, 2, 50)
    low, high = stats.t.interval(0.95, 49, x.mean(), stats.sem(x))
    one = estimate(x)
    assert (one.low, one.high) == pytest.approx((low, high))
    assert (one.value, one.n_users, one.n_seeds) == (pytest.approx(x.mean()), 50, 1)


def test_seeds_that_differ_make_it_wide_and_seeds_that_agree_do_not(rng):
    users = rng.normal(0, 1, 4000)
    agree = estimate(np.stack([users, users, users]) + rng.normal(0, 0.01, (3, 4000)))
    differ = estimate(users + np.array([[-0.5], [0.0], [0.5]]))
    assert differ.high - differ.low > 10 * (agree.high - agree.low)
    of_seeds = 0.5 / np.sqrt(3) * stats.t.ppf(0.975, 2)  # all of the variance, but for users'
    assert (differ.high - differ.low) / 2 == pytest.approx(of_seeds, rel=0.02)


def test_three_seeds_cover_the_truth_where_a_bootstrap_over_seeds_would_not(rng):
    inside = boot = 0
    for _ in range(300):
        x = rng.normal(0, 1, (3, 1)) + rng.normal(0, 0.1, (3, 20))
        one = estimate(x)
        inside += one.low <= 0 <= one.high
        means = x.mean(axis=1)[rng.integers(0, 3, (200, 3))].mean(axis=1)
        boot += np.quantile(means, 0.025) <= 0 <= np.quantile(means, 0.975)
    assert inside / 300 > 0.92 and boot / 300 < 0.85


def test_picked_of_many_is_wider(rng):
    x = rng.normal(0, 1, 500)
    widths = [(one := estimate(x, looks)).high - one.low for looks in (1, 3, 10)]
    assert widths == sorted(widths)
    assert widths[1] / widths[0] == pytest.approx(
        stats.t.ppf(1 - 0.025 / 3, 499) / stats.t.ppf(0.975, 499)
    )


def test_users_without_a_value_are_left_out_and_of_few_there_is_no_interval():
    one = estimate([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    assert one.value == 2.0 and one.n_users == 2
    assert np.isnan(estimate([np.nan]).value) and estimate([np.nan]).side == 0
    assert np.isnan(estimate([4.0]).low) and estimate([4.0]).value == 4.0
    same = estimate([2.0, 2.0, 2.0])
    assert (same.low, same.high, same.side) == (2.0, 2.0, 1)


def test_the_ratio_agrees_with_the_bootstrap_over_users(rng):
    y = rng.gamma(3, 1, 800)
    x = 1.5 * y + rng.normal(0, 1, 800)
    one = ratio(x, y)
    sums = resampled_sums(np.stack([x, y], axis=1))
    drawn = sums[:, 0] / sums[:, 1]
    assert one.value == pytest.approx(x.sum() / y.sum())
    low, high = (float(order_statistic(drawn[:, None], q)[0]) for q in (0.025, 0.975))
    assert one.low == pytest.approx(low, abs=0.01) and one.high == pytest.approx(high, abs=0.01)


def test_a_group_against_all_others_is_welchs_interval_of_many_users(rng):
    x, inside = rng.normal(0, 1, 3000), rng.random(3000) < 0.3
    x[inside] += 0.4
    one = apart(x, inside)
    low, high = stats.ttest_ind(x[inside], x[~inside], equal_var=False).confidence_interval()
    assert one.value == pytest.approx(x[inside].mean() - x[~inside].mean())
    assert one.low == pytest.approx(low, abs=0.003) and one.high == pytest.approx(high, abs=0.003)
    assert one.side == 1 and not apart(x, np.ones(3000, bool)).known


def test_a_group_of_a_few_users_is_not_told_apart_by_chance(rng):
    """Centred on its own mean such a group shows too little of how its users differ."""
    assert np.isnan((one := apart(rng.normal(0, 1, 50), np.arange(50) < 1)).low) and one.known
    assert np.isnan(apart(rng.normal(0, 1, 50), np.arange(50) > 0).low)
    for seeds, size in ((1, 2), (1, 4), (3, 2), (3, 4)):
        inside, apart_by_chance = np.arange(60) < size, 0
        for _ in range(400):
            x = rng.normal(0, 1, 60) + rng.normal(0, 0.3, (seeds, 60))
            apart_by_chance += apart(x, inside).side != 0
        assert apart_by_chance / 400 < 0.08, (seeds, size)


def test_two_groups_have_the_variance_of_the_textbook(rng):
    x, inside = rng.normal(0, 1, 40), np.arange(40) < 6
    own, others = x[inside], x[~inside]
    error = np.sqrt(own.var(ddof=1) / 6 + others.var(ddof=1) / 34)
    one = apart(x, inside)
    assert (one.high - one.low) / 2 == pytest.approx(error * stats.t.ppf(0.975, 5))
