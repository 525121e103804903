from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scikit_posthocs
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.friedman import (
    cliques,
    critical_difference,
    friedman,
    mean_ranks,
    nemenyi,
    statistics,
)
from negbench.errors import NothingToReport

# Nemenyi's q at 0.05, infinite degrees of freedom, by the number of rows, already over sqrt(2).
Q = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}


@pytest.mark.parametrize("rows", Q)
def test_the_critical_difference_has_its_root_of_two(rows: int) -> None:
    expected = Q[rows] * np.sqrt(rows * (rows + 1) / (6 * 12))
    assert critical_difference(rows, 12) == pytest.approx(expected, abs=2e-3)


def test_friedman_by_hand() -> None:
    # Three rows in four blocks, always in one order: ranks 1 2 3, sum of squares 14,
    # chi2 = 12 * 4 / 12 * (14 - 12) = 8 = N (k - 1), the most there can be.
    chi2, p, f, p_f = statistics([[0.3, 0.2, 0.1]] * 4)
    assert (chi2, f, p_f) == (pytest.approx(8), np.inf, 0.0)
    assert p == pytest.approx(np.exp(-4))  # two degrees of freedom: exp(-chi2 / 2)
    # One block turned round: mean ranks 1.5 2 2.5, sum 12.5, chi2 = 4 * .5 = 2, F = 3 * 2 / 6 = 1.
    chi2, _, f, _ = statistics([[0.3, 0.2, 0.1]] * 3 + [[0.1, 0.2, 0.3]])
    assert (chi2, f) == (pytest.approx(2), pytest.approx(1))


@pytest.mark.parametrize("levels", [1000, 4])
def test_friedman_equals_scipy_with_and_without_ties(levels: int) -> None:
    values = np.random.default_rng(0).integers(0, levels, (11, 6)).astype(float)
    theirs = stats.friedmanchisquare(*values.T)
    chi2, p, f, p_f = statistics(values)
    assert (chi2, p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert f == pytest.approx(10 * chi2 / (11 * 5 - chi2))
    assert p_f == pytest.approx(stats.f.sf(f, 5, 50))


def test_equal_rows_give_no_winner() -> None:
    assert statistics(np.ones((9, 4))) == (0.0, 1.0, 0.0, 1.0)
    assert (nemenyi(np.ones((9, 4))) == 1).all()


def test_nemenyi_equals_scikit_posthocs() -> None:
    values = np.random.default_rng(1).normal(0, 1, (10, 5)) + np.linspace(0, 2, 5)
    theirs = scikit_posthocs.posthoc_nemenyi_friedman(values).to_numpy()
    assert nemenyi(values) == pytest.approx(theirs, abs=2e-3)


@given(st.lists(st.floats(1, 9), min_size=2, max_size=9), st.floats(0.1, 5))
def test_cliques_hold_what_lies_within_one_difference(mean: list[float], critical: float) -> None:
    x = sorted(mean)
    groups = cliques(x, critical)
    for group in groups:
        assert len(group) > 1 and x[group[-1]] - x[group[0]] < critical
    for a in range(len(x)):
        for b in range(a + 1, len(x)):
            together = any(a in group and b in group for group in groups)
            assert together == (x[b] - x[a] < critical)
    assert all(not set(a) <= set(b) for a in groups for b in groups if a is not b)


@pytest.fixture
def wide(tmp_path: Path, write: Any) -> Path:
    """Four data sets, two backbones, four methods that keep their order."""
    rng = np.random.default_rng(0)
    for dataset in ("a", "b", "c", "d"):
        for backbone in ("mf", "lightgcn"):
            for at, method in enumerate(("random", "popularity", "dns", "mixed")):
                values = rng.uniform(0, 0.02, 6) + 0.1 * at
                write(tmp_path / "run", dataset, method, 0, {"all": values}, backbone=backbone)
    return tmp_path / "run"


def test_eight_blocks_are_enough(wide: Path) -> None:
    result = friedman(open_run(wide))
    assert result.blocks == 8
    assert list(result.ranks["row"]) == ["mixed", "dns", "popularity", "random"]
    assert result.ranks["mean_rank"].tolist() == [1, 2, 3, 4]
    assert result.critical == pytest.approx(2.569 * np.sqrt(20 / 48), abs=2e-3)  # 1.658
    assert result.ranks["tied"].tolist() == [True, True, False, False]
    assert result.cliques == (("mixed", "dns"), ("dns", "popularity"), ("popularity", "random"))
    assert result.pairs.loc["mixed", "random"] < 0.05 < result.pairs.loc["mixed", "dns"]


def test_fewer_are_refused_with_their_number(folder: Path) -> None:
    with pytest.raises(NothingToReport, match="8 blocks .* this run has 2 blocks"):
        friedman(open_run(folder))
    result = mean_ranks(open_run(folder))
    assert result[["row", "blocks", "mean_rank"]].to_numpy().tolist() == [
        ["dns", 2, 1],
        ["random", 2, 2],
        ["most_popular", 2, 3],  # references compete
        ["popularity", 2, 4],
    ]


def test_rows_that_a_block_lacks_are_left_out(wide: Path, write: Any) -> None:
    write(wide, "a", "adaptive", 0, {"all": [0.9] * 6})
    assert "adaptive" not in set(friedman(open_run(wide)).ranks["row"])


def test_two_rows_are_too_few(tmp_path: Path, write: Any) -> None:
    for dataset in "abcdefgh":
        for method in ("random", "dns"):
            write(tmp_path / "run", dataset, method, 0, {"all": [0.1, 0.2]})
    with pytest.raises(NothingToReport, match="3 rows or more .* has 2"):
        friedman(open_run(tmp_path / "run"))
