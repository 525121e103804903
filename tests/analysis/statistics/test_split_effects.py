"""The test over splits of the data: users and splits crossed, nested, or between."""

from itertools import combinations

import numpy as np
import pytest
from helpers.blocks_of_values import block_of
from numpy.typing import NDArray

from negbench.analysis.statistics.crossed_effects import Floats, layout
from negbench.analysis.statistics.paired_values import Paired
from negbench.analysis.statistics.pairwise import pairwise
from negbench.analysis.statistics.split_effects import split_layout

PARTS = ("difference", "of_users", "of_seeds", "n_users")
# Variances of a paired difference: users, splits, residual; 400 users (test_pairwise.py).
GOODBOOKS = (9.22e-4, 6.52e-6 * 5786 / 400, 9.01e-3)
KUAIREC = (2.83e-3, 7.31e-5 * 1411 / 400, 8.96e-3)
SHARED = ("all", "half", "none")


def over_splits(values: Floats) -> Paired:
    """A block of these values [splits, users, rows]."""
    block = block_of(values)
    splits = tuple(range(1, len(values) + 1))
    return Paired(block.dataset, block.backbone, block.rows, (0, 1), values, splits)


def present(shared: str, n_splits: int, n_users: int) -> NDArray[np.bool_]:
    """Which users have a test pair in which split, [splits, users]."""
    if shared == "none":
        return np.arange(n_users) % n_splits == np.arange(n_splits)[:, None]
    share = 1.0 if shared == "all" else 0.5
    return np.random.default_rng(n_users).random((n_splits, n_users)) < share


def drawn(
    rng: np.random.Generator, n_splits: int, variances: tuple[float, ...], k: int, shared: str
) -> Floats:
    """Values [splits, 400 users, rows] of rows that are equal in truth."""
    users, splits, residual = (v**0.5 for v in variances)
    values: Floats = rng.normal(0, users, (1, 400, k)) + rng.normal(0, splits, (n_splits, 1, k))
    values = values + rng.normal(0, residual, (n_splits, 400, k))
    values[~present(shared, n_splits, 400)] = np.nan
    return values


def by_loops(one: Floats, other: Floats) -> tuple[float, float, float]:
    """Difference and both parts of its variance for two rows [splits, users], user by user."""
    d = one - other
    known = [[u for u in range(d.shape[1]) if not np.isnan(d[p, u])] for p in range(len(d))]
    means = [sum(d[p, u] for u in known[p]) / len(known[p]) for p in range(len(d))]
    shared = []
    for p, q in combinations(range(len(d)), 2):
        both = set(known[p]) & set(known[q])
        total = sum((d[p, u] - means[p]) * (d[q, u] - means[q]) for u in both)
        n, m = len(known[p]), len(known[q])
        shared.append(total / (n * m) * (n / (n - 1) * m / (m - 1)) ** 0.5)
    between = sum((x - sum(means) / len(d)) ** 2 for x in means) / (len(d) - 1)
    return sum(means) / len(d), max(0.0, sum(shared) / len(shared)), between / len(d)


@pytest.mark.parametrize("n_splits", [2, 3, 5])
def test_with_all_users_in_every_split_it_is_the_crossed_layout(n_splits: int) -> None:
    values = drawn(np.random.default_rng(0), n_splits, (1.0, 0.1, 2.0), 6, "all")
    one, other = split_layout(values), layout(values)
    for name in PARTS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("shared", SHARED)
def test_all_pairs_are_those_of_loops_over_users(shared: str) -> None:
    values = drawn(np.random.default_rng(2), 3, (1.0, 0.1, 2.0), 4, shared)
    parts = split_layout(values)
    for i, j in combinations(range(4), 2):
        pair = (parts.difference[i, j], parts.of_users[i, j], parts.of_seeds[i, j])
        assert pair == pytest.approx(by_loops(values[:, :, i], values[:, :, j]), abs=1e-12)


def test_rows_without_some_users_are_compared_over_those_of_both() -> None:
    values = drawn(np.random.default_rng(3), 3, (1.0, 0.1, 2.0), 3, "half")
    values[0, :50, 1] = np.nan
    parts = split_layout(values)
    expected = by_loops(values[:, :, 1], values[:, :, 2])
    assert (parts.difference[1, 2], parts.of_users[1, 2], parts.of_seeds[1, 2]) == pytest.approx(
        expected, abs=1e-12
    )


def test_where_no_user_is_in_two_splits_the_means_of_the_splits_are_all_there_is() -> None:
    values = drawn(np.random.default_rng(4), 3, (1.0, 0.1, 2.0), 2, "none")
    parts = split_layout(values)
    means = np.nanmean(values[:, :, 0] - values[:, :, 1], axis=1)
    assert parts.of_users[0, 1] == 0
    assert parts.of_seeds[0, 1] == pytest.approx(means.var(ddof=1) / 3)
    assert parts.n_users[0, 1] == 400


@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("variances", [GOODBOOKS, KUAIREC, (9e-3, 0.0, 1e-3)])
def test_with_three_splits_equal_rows_are_seldom_called_different(
    variances: tuple[float, ...], shared: str
) -> None:
    rng, upper = np.random.default_rng(5), np.triu_indices(16, 1)
    p = [pairwise(over_splits(drawn(rng, 3, variances, 16, shared))).p[upper] for _ in range(25)]
    assert 0.02 < (np.array(p) < 0.05).mean() < 0.07


def test_a_test_that_averages_the_splits_of_a_user_is_far_too_sure() -> None:
    rng, upper = np.random.default_rng(6), np.triu_indices(16, 1)
    blocks = [over_splits(drawn(rng, 3, KUAIREC, 16, "all")) for _ in range(10)]
    p = [pairwise(block, "paired-t").p[upper] for block in blocks]
    assert (np.array(p) < 0.05).mean() > 0.25


def test_a_difference_beyond_the_spread_of_splits_is_found() -> None:
    values = drawn(np.random.default_rng(7), 3, GOODBOOKS, 2, "half")
    values[:, :, 0] += 0.2
    tests = pairwise(over_splits(values))
    assert tests.p[0, 1] < 0.01 and tests.covers_seeds
    assert tests.seeds_needed(0.05)[0, 1] <= 3


def test_splits_that_agree_to_the_last_digit_do_not_show_that_splits_never_differ() -> None:
    values = np.array([[[1.0, 0], [-1, 0], [0, 0]], [[0, 0], [1.0, 0], [-1, 0]]])
    parts = split_layout(values)
    residual = layout(values).of_seeds[0, 1]
    assert parts.of_seeds[0, 1] == pytest.approx(residual) and residual > 0
    assert parts.difference[0, 1] == 0


@pytest.mark.parametrize("users", [0, 1])
def test_one_user_in_a_split_is_no_sample(users: int) -> None:
    values = np.ones((2, 4, 2))
    values[1, users:] = np.nan
    tests = pairwise(over_splits(values))
    assert np.isnan(tests.p).all()
    assert np.isnan(tests.difference[0, 1]) == (users == 0)


def test_a_split_weighs_the_same_however_many_users_it_has() -> None:
    values = np.zeros((2, 10, 2))
    values[0, :, 0] = 1.0
    values[0, :5] = np.nan
    block = over_splits(values)
    assert block.means[0] == 0.5
    assert pairwise(block).difference[0, 1] == 0.5
