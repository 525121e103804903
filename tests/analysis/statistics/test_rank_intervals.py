from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from negbench.analysis.runs.frames import ROW, open_run
from negbench.analysis.statistics import bootstrap
from negbench.analysis.statistics.bootstrap import order_statistic, resampled_sums
from negbench.analysis.statistics.paired_values import Paired
from negbench.analysis.statistics.rank_intervals import intervals, ranked, ranks


def block(values: Any) -> Paired:
    """A block of these values, seed x user x row."""
    array = np.asarray(values, float)
    rows = pd.DataFrame({name: [f"{at}" for at in range(array.shape[2])] for name in ROW})
    return Paired("d", "b", rows, tuple(range(len(array))), array)


def test_ranked_equals_scipy_and_keeps_the_unknown() -> None:
    values = np.random.default_rng(0).integers(0, 4, (50, 6)).astype(float)
    assert ranked(values) == pytest.approx(stats.rankdata(-values, axis=1))
    assert ranked([[0.2, np.nan, 0.3]])[0] == pytest.approx([2, np.nan, 1], nan_ok=True)


def test_rows_that_never_cross_have_sure_ranks() -> None:
    user = np.random.default_rng(0).uniform(0, 0.1, (3, 40, 1))
    ranking = intervals(block(user + np.array([0.0, 0.5, 0.2])))
    assert ranking["rank"].tolist() == ranking["rank_low"].tolist() == [3, 1, 2]
    assert ranking["rank_high"].tolist() == [3, 1, 2]


def test_equal_rows_share_their_rank() -> None:
    one = np.random.default_rng(0).uniform(0, 1, (2, 30, 1))
    ranking = intervals(block(np.concatenate([one, one, one], axis=2)))
    assert set(ranking.to_numpy().ravel()) == {2.0}


def test_the_interval_equals_a_naive_loop_within_chance() -> None:
    values = np.random.default_rng(1).normal(0, 1, (3, 25, 5)) + np.linspace(0, 0.6, 5)
    rng, drawn = np.random.default_rng(2), []
    for _ in range(1999):
        seeds, users = rng.integers(0, 3, 3), rng.integers(0, 25, 25)
        drawn.append(stats.rankdata(-values[seeds][:, users].mean(axis=(0, 1))))
    ranking = intervals(block(values))
    assert np.abs(ranking["rank_low"] - np.quantile(drawn, 0.025, axis=0)).max() <= 1
    assert np.abs(ranking["rank_high"] - np.quantile(drawn, 0.975, axis=0)).max() <= 1
    assert (ranking["rank_low"] <= ranking["rank"]).all() and (
        ranking["rank"] <= ranking["rank_high"]
    ).all()


def test_users_without_a_value_are_passed_over() -> None:
    values = np.random.default_rng(3).uniform(0, 1, (2, 20, 3))
    holed = np.concatenate([values, np.full((2, 5, 3), np.nan)], axis=1)
    assert block(holed).means == pytest.approx(values.mean(axis=(0, 1)))
    values[:, :, 1] = np.nan
    ranking = intervals(block(values))
    assert ranking.loc[1].isna().all()
    assert ranking["rank"].drop(1).notna().all()


def test_resampled_sums_do_not_depend_on_how_they_are_cut(monkeypatch: Any) -> None:
    columns = np.random.default_rng(0).uniform(size=(30, 2))
    whole = resampled_sums(columns, 100)
    assert whole.mean(axis=0) == pytest.approx(columns.sum(axis=0), rel=0.05)
    counts = resampled_sums(np.ones((30, 1)), 100)
    assert (counts == 30).all()
    monkeypatch.setattr(bootstrap, "CHUNK", 30 * 7)
    assert resampled_sums(columns, 100) == pytest.approx(whole)


def test_order_statistics_are_values_and_symmetric() -> None:
    values = np.arange(1.0, 1000.0)
    assert order_statistic(values, 0.025) == 25
    assert order_statistic(values, 0.975) == 975
    assert order_statistic([[1.0, np.inf]] * 9, 0.5).tolist() == [1, np.inf]


def test_ranks_of_a_run(folder: Path) -> None:
    ranking = ranks(open_run(folder))
    books = ranking[ranking["dataset"] == "books"].set_index("row")
    assert books["rank"].to_dict() == {"dns": 1, "random": 2, "popularity": 3}
    assert books["rank_low"]["dns"] == books["rank_high"]["dns"] == 1
    assert "most_popular" not in books.index
