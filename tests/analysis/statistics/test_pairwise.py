import numpy as np
import pytest
from helpers.blocks_of_values import block_of
from scipy import stats

from negbench.analysis.statistics.paired_tests import sign_flips, signed_rank
from negbench.analysis.statistics.pairwise import TESTS, Floats, pairwise
from negbench.analysis.statistics.weighted_t import least_effect

# Variances of paired differences to `random`: dns_mn on goodbooks, dns_mn on kuairec, all 10 seeds
# (benchmarks/null_rejections.py), for 400 users in place of 5,786 and 1,411.
GOODBOOKS = (9.22e-4, 6.52e-6 * 5786 / 400, 9.01e-3)
KUAIREC = (2.83e-3, 7.31e-5 * 1411 / 400, 8.96e-3)


def drawn(rng: np.random.Generator, n_seeds: int, variances: tuple[float, ...], k: int) -> Floats:
    """Values [seeds, 400 users, rows] of rows that are equal in truth."""
    users, seeds, residual = (v**0.5 for v in variances)
    values: Floats = rng.normal(0, users, (1, 400, k)) + rng.normal(0, seeds, (n_seeds, 1, k))
    return values + rng.normal(0, residual, (n_seeds, 400, k))


def rejected(test: str, n_seeds: int, variances: tuple[float, ...], blocks: int) -> float:
    """The share of pairs of equal rows that a test calls different."""
    rng = np.random.default_rng(n_seeds)
    upper = np.triu_indices(16, 1)
    p = [
        pairwise(block_of(drawn(rng, n_seeds, variances, 16)), test).p[upper] for _ in range(blocks)
    ]
    return float((np.array(p) < 0.05).mean())


@pytest.mark.parametrize("variances", [GOODBOOKS, KUAIREC])
@pytest.mark.parametrize("n_seeds", [2, 3, 5, 10])
def test_equal_rows_are_called_different_in_five_per_cent(
    n_seeds: int, variances: tuple[float, ...]
) -> None:
    assert rejected("crossed", n_seeds, variances, 40) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("n_seeds", [1, 3, 10])
def test_a_test_over_users_calls_them_different_far_more_often(n_seeds: int) -> None:
    assert rejected("paired-t", n_seeds, KUAIREC, 10) > 0.25


def test_one_seed_is_the_paired_t_test_and_covers_users_alone() -> None:
    values = np.random.default_rng(0).normal(0.1, 1, (1, 300, 3))
    crossed, paired = pairwise(block_of(values)), pairwise(block_of(values), "paired-t")
    theirs = stats.ttest_rel(values[0, :, 0], values[0, :, 1])
    assert (crossed.statistic[0, 1], crossed.p[0, 1]) == pytest.approx(
        (theirs.statistic, theirs.pvalue)
    )
    assert crossed.p == pytest.approx(paired.p, nan_ok=True)
    assert not crossed.covers_seeds and np.isnan(crossed.seeds_needed(0.05)).all()


def test_paired_t_averages_the_seeds_of_a_user() -> None:
    values = np.random.default_rng(1).normal(0, 1, (4, 50, 2))
    theirs = stats.ttest_rel(*values.mean(axis=0).T)
    tests = pairwise(block_of(values), "paired-t")
    interval = theirs.confidence_interval()
    d, half = tests.difference[0, 1], tests.half_width[0, 1]
    assert tests.p[0, 1] == pytest.approx(theirs.pvalue)
    assert (d - half, d + half) == pytest.approx((interval.low, interval.high))


def test_without_users_variance_it_is_the_t_test_over_seeds() -> None:
    values = np.random.default_rng(2).normal(0, 1, (5, 1, 2)).repeat(40, axis=1)
    theirs = stats.ttest_rel(*values[:, 0].T)
    tests = pairwise(block_of(values))
    assert (tests.p[0, 1], tests.df[0, 1]) == pytest.approx((theirs.pvalue, 4))


def test_the_ranks_and_the_signs_are_those_of_the_mean_over_seeds() -> None:
    values = np.random.default_rng(3).normal(0, 1, (3, 40, 3)) + np.array([0.0, 0.3, 0.0])
    d = values.mean(axis=0)[:, 1] - values.mean(axis=0)[:, 2]
    ranks, signs = (pairwise(block_of(values), name) for name in ("wilcoxon", "permutation"))
    assert (ranks.statistic[1, 2], ranks.p[1, 2]) == pytest.approx(signed_rank(d))
    assert ranks.p[2, 1] == ranks.p[1, 2] and signs.statistic[2, 1] == pytest.approx(-d.mean())
    assert signs.p[1, 2] == pytest.approx(sign_flips(d[:, None])[1][0], abs=0.02)


@pytest.mark.parametrize("n_seeds", [1, 2, 5])
def test_the_interval_holds_zero_where_p_is_above_five_per_cent(n_seeds: int) -> None:
    rng = np.random.default_rng(n_seeds)
    tests = pairwise(block_of(drawn(rng, n_seeds, GOODBOOKS, 25)))
    off = ~np.eye(25, dtype=bool)
    inside = np.abs(tests.difference) <= tests.half_width
    assert (inside == (tests.p >= 0.05))[off].all() and (~inside)[off].any()


@pytest.mark.parametrize("name", TESTS)
def test_rows_that_do_not_differ_and_rows_that_differ_by_a_constant(name: str) -> None:
    one = np.random.default_rng(4).uniform(0, 1, (3, 30, 1))
    tests = pairwise(block_of(np.concatenate([one, one, one + 0.5], axis=2)), name)
    assert tests.p[0, 1] == 1 and tests.p[0, 2] < 1e-3
    assert np.isnan(tests.p.diagonal()).all()
    assert tests.half_width[0, 1] == 0
    if name in ("crossed", "paired-t"):
        assert (tests.statistic[2, 0], tests.p[2, 0]) == (np.inf, 0)


def test_one_user_is_no_test() -> None:
    tests = pairwise(block_of(np.random.default_rng(5).uniform(0, 1, (3, 1, 2))))
    assert np.isnan(tests.p).all() and np.isnan(tests.half_width).all()


def test_the_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(6)
    users, seeds, residual = GOODBOOKS
    n_seeds, results, blocks = 10, [], 150
    # The true standard error, and so the true least difference.
    error = (users / 400 + seeds / n_seeds + residual / (400 * n_seeds)) ** 0.5
    share = (seeds / n_seeds + residual / (400 * n_seeds)) / error**2
    truth = float(least_effect(0.05, 0.8, share, 399, n_seeds - 1)) * error
    for _ in range(blocks):
        values = drawn(rng, n_seeds, GOODBOOKS, 1)
        tests = pairwise(block_of(np.concatenate([values + truth, 0 * values], axis=2)))
        results.append((tests.p[0, 1] < 0.05, tests.detectable(0.05)[0, 1]))
    power, detectable = np.mean(results, axis=0)
    assert power == pytest.approx(0.8, abs=0.08)
    assert detectable == pytest.approx(truth, rel=0.1)


def test_seeds_needed_equals_a_plain_search() -> None:
    rng = np.random.default_rng(7)
    values = drawn(rng, 4, KUAIREC, 6) + np.array([0.0, 0.003, 0.01, 0.02, 0.05, 1.0])
    tests = pairwise(block_of(values))
    needed = tests.seeds_needed(0.05)
    parts = tests.parts
    for i in range(6):
        for j in range(i):
            plain = np.inf
            for n in range(2, 1001):
                of_seeds = parts.of_seeds[i, j] * 4 / n
                variance = parts.of_users[i, j] + of_seeds
                least = least_effect(0.05, 0.8, of_seeds / variance, 399, n - 1) * variance**0.5
                if abs(parts.difference[i, j]) >= least:
                    plain = n
                    break
            assert needed[i, j] == needed[j, i] == plain
    assert np.isnan(needed.diagonal()).all()
    assert np.isinf(needed).any() and (needed == 2).any()


def test_the_correction_counts_every_pair_of_the_block() -> None:
    values = np.random.default_rng(8).normal(0, 1, (3, 50, 4))
    values[:, :, 3] = np.nan
    tests = pairwise(block_of(values))
    least = np.nanmin(tests.p)
    # Of six pairs three are known: the smallest p is taken times three.
    assert np.nanmin(tests.p_corrected) == pytest.approx(min(1, 3 * least))
    assert (tests.p_corrected == tests.p_corrected.T)[:3, :3].sum() == 6


def test_ranks_and_means_that_point_to_different_sides_are_not_told_apart() -> None:
    lower = np.full(90, -0.01) - np.linspace(0, 0.001, 90)
    values = np.zeros((1, 100, 2))
    values[0, :, 1] = np.concatenate([lower, np.full(10, 0.5)])  # most lose, the mean gains
    tests = pairwise(block_of(values), "wilcoxon")
    assert tests.p[1, 0] < 1e-6 and tests.difference[1, 0] > 0
    assert not tests.told_apart(0.05)[1, 0] and not tests.agrees[1, 0]
    values[0, 90:, 1] = -0.02
    again = pairwise(block_of(values), "wilcoxon")
    assert again.told_apart(0.05)[1, 0] and again.told_apart(0.05)[0, 1]
