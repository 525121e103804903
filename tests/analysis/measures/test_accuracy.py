from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.measures.accuracy import accuracy
from negbench.analysis.runs.frames import open_run


def books(folder: Path, **asked: Any) -> Any:
    table = accuracy(open_run(folder), **asked)
    return table[table["dataset"] == "books"].set_index("row")


def test_mean_and_spread_over_seeds(folder: Path) -> None:
    table = books(folder)
    assert table["mean"]["random"] == pytest.approx(0.225)
    assert table["std"]["random"] == pytest.approx(0.05 / 2**0.5)
    assert table["mean"]["popularity"] == pytest.approx(0.175)
    assert table["std"]["dns"] == pytest.approx(0.0)
    assert table["seeds"].to_dict() == {"random": 2, "popularity": 2, "dns": 2, "most_popular": 1}


def test_best_first_within_a_block(folder: Path) -> None:
    table = accuracy(open_run(folder))
    block = table[(table["dataset"] == "films") & (table["backbone"] == "mf")]
    assert list(block["row"]) == ["dns", "random", "popularity"]


def test_other_metrics_and_bands(folder: Path) -> None:
    assert books(folder, metric="recall@20")["mean"]["dns"] == pytest.approx(0.8)
    assert books(folder, band="head")["mean"]["random"] == pytest.approx(0.3)


def test_one_seed_has_no_spread(folder: Path) -> None:
    table = books(folder)
    assert table["std"].isna()["most_popular"]


@pytest.mark.parametrize("failed", [True, False])
def test_a_row_that_lacks_a_seed_has_no_mean(folder: Path, write: Any, failed: bool) -> None:
    write(folder, "books", "mixed", 0, {"all": [0.9] * 4})
    if failed:
        fail = {"status": "failed", "reason": "Out of memory."}
        write(folder, "books", "mixed", 1, {}, change=lambda r: r.update(fail))
    table = books(folder)
    assert table["mean"].isna()["mixed"]
    assert (table["seeds"]["mixed"], table["expected"]["mixed"]) == (1, 2)
    assert table["reason"]["mixed"] == ("Out of memory." if failed else "")
    # The reference draws nothing: its one seed is all it needs.
    assert table["mean"]["most_popular"] == pytest.approx(0.2)
