"""Rows without a usable negative are said under every table; old records say nothing of them."""

from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.footnotes import of_block
from negbench.analysis.tables.training_notes import of_training


@pytest.fixture
def run(tmp_path: Path, write: Any) -> Path:
    def trained(rows: int, without: int) -> Any:
        return lambda record: record["fit"].update(rows=rows, rows_without_negative=without)

    out = tmp_path / "run"
    for seed, without in enumerate((1, 2)):
        write(out, "books", "in_batch", seed, {"all": [0.1, 0.3]}, change=trained(1200, without))
        write(out, "books", "random", seed, {"all": [0.1, 0.2]}, change=trained(1200, 0))
        write(out, "books", "dns", seed, {"all": [0.1, 0.2]})  # as before these were counted
    return out


def test_seeds_are_added_up_and_only_who_lacked_some_is_named(run: Path) -> None:
    opened = open_run(run)
    notes = [note.text for note in of_training(opened, "books")]
    assert notes == [
        "in_batch on mf had no usable negative in 3 of 2,400 rows trained on (2 cells): they "
        "were compared with nothing."
    ]
    assert notes[0] in [note.text for note in of_block(opened, "books", "mf")]
    assert not of_training(opened, "films")
