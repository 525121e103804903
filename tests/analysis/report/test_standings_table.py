"""The table of all rows over all blocks: what its cells are, and where there is none."""

from pathlib import Path
from typing import Any

import pytest
from helpers.graded_run import rising, write_graded

from negbench.analysis.report.standings_table import standings_table
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.tables.table import Table
from negbench.analysis.verdict.recommendation import recommendation

MEANS = {"books": {"random": 0.1, "dns": 0.3}, "films": {"random": 0.2, "dns": 0.1}}


def standings(tmp_path: Path, write: Any, datasets: tuple[str, ...]) -> Table | None:
    for dataset in datasets:
        knn = {"item_knn": 0.05}
        changes = {"dns": rising}
        write_graded(write, tmp_path / "run", MEANS[dataset], knn, dataset=dataset, changes=changes)
    run = open_run(tmp_path / "run")
    return standings_table(recommendation(run, main_table(run)))


def test_every_row_with_its_counts_of_blocks(tmp_path: Path, write: Any) -> None:
    table = standings(tmp_path, write, ("books", "films"))
    assert table is not None
    names = [column.header for column in table.columns]
    rows = {row[0].text: dict(zip(names, row, strict=True)) for row in table.rows}
    assert set(rows) == {"random", "dns"}
    assert [row[0].text for row in table.references] == ["item_knn"]
    dns, random = rows["dns"], rows["random"]
    assert dns["Method"].mark == "^" and random["Method"].mark is None
    assert (dns["unbeaten"].text, random["unbeaten"].text) == ("1", "1")
    assert (dns["above base"].text, dns["above ref."].text) == ("1", "2")
    assert float(dns["gain"].sort_key) == pytest.approx((2.0 - 0.5) / 2)
    assert float(dns["gain on ref."].sort_key) == pytest.approx((5.0 + 1.0) / 2)
    assert table.references[0][names.index("gain")].text.startswith("-")
    assert "over 2 blocks" in table.caption and "the baseline is random" in table.caption
    assert "No row was tuned in 2 of 2 blocks." in table.caption
    assert "^ still rising when its budget ended." in table.caption


def test_one_block_has_its_main_table_alone(tmp_path: Path, write: Any) -> None:
    assert standings(tmp_path, write, ("books",)) is None
