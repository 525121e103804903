import numpy as np
import pytest
from helpers.blocks_of_values import block_of
from scipy import stats

from negbench.analysis.statistics.pairwise import pairwise
from negbench.analysis.statistics.rank_intervals import intervals, ranked


def test_ranked_equals_scipy_and_keeps_the_unknown() -> None:
    values = np.random.default_rng(0).integers(0, 4, (50, 6)).astype(float)
    assert ranked(values) == pytest.approx(stats.rankdata(-values, axis=1))
    assert ranked([[0.2, np.nan, 0.3]])[0] == pytest.approx([2, np.nan, 1], nan_ok=True)


def test_the_ends_count_the_rows_that_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.1, (4, 60, 5)) + np.array([0.0, 0.01, 0.5, 0.51, 2.0])
    block = block_of(values)
    tests = pairwise(block)
    ranking = intervals(block.means, tests, 0.05)
    for i in range(5):
        above = sum(
            tests.p_corrected[i, j] < 0.05 and block.means[j] > block.means[i] for j in range(5)
        )
        below = sum(
            tests.p_corrected[i, j] < 0.05 and block.means[j] < block.means[i] for j in range(5)
        )
        assert ranking.loc[i, ["rank_low", "rank_high"]].tolist() == [1 + above, 5 - below]
    assert ranking["rank_low"].tolist() == [4, 4, 2, 2, 1]
    assert ranking["rank_high"].tolist() == [5, 5, 3, 3, 1]


def test_equal_rows_share_their_rank_and_leave_all_open() -> None:
    one = np.random.default_rng(0).uniform(0, 1, (2, 30, 1))
    block = block_of(np.concatenate([one, one, one], axis=2))
    ranking = intervals(block.means, pairwise(block), 0.05)
    assert ranking.to_numpy().tolist() == [[2, 1, 3]] * 3


def test_all_intervals_hold_the_true_ranks_at_once() -> None:
    rng = np.random.default_rng(3)
    truth = np.array([0.0, 0.0, 0.02, 0.05])
    ranks_of_truth = [(3, 4), (3, 4), (2, 2), (1, 1)]
    missed = 0
    for _ in range(200):
        seeds = rng.normal(0, 0.01, (3, 1, 4))
        values = truth + seeds + rng.normal(0, 0.1, (3, 80, 4)) + rng.normal(0, 0.3, (1, 80, 1))
        block = block_of(values)
        ranking = intervals(block.means, pairwise(block), 0.05)
        ends = ranking[["rank_low", "rank_high"]].to_numpy()
        # Rows that are truly equal hold any of their ranks: the intervals must not part them.
        missed += any(
            low > first or high < last
            for (low, high), (first, last) in zip(ends, ranks_of_truth, strict=True)
        )
    assert missed <= 0.05 * 200 + 2 * (200 * 0.05 * 0.95) ** 0.5


def test_a_row_without_a_mean_is_not_ranked_and_takes_no_rank() -> None:
    values = np.random.default_rng(3).normal(0, 0.01, (2, 20, 3)) + np.array([0.3, 0.2, 0.1])
    values[:, :, 1] = np.nan
    block = block_of(values)
    ranking = intervals(block.means, pairwise(block), 0.05)
    assert ranking.loc[1].isna().all()
    assert (
        ranking.drop(1)[["rank", "rank_low", "rank_high"]].to_numpy().tolist()
        == [
            [1, 1, 1],
            [2, 2, 2],
        ]
        or ranking.drop(1)["rank_high"].max() == 2
    )
