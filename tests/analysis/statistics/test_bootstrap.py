from typing import Any

import numpy as np
import pytest

from negbench.analysis.statistics import bootstrap
from negbench.analysis.statistics.bootstrap import order_statistic, resampled_sums


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
