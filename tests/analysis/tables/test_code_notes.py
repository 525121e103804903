"""Cells of two versions of negbench, or of two sources of one built-in, carry a note."""

from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.code_notes import of_code
from negbench.analysis.tables.footnotes import of_block

MF, OLD, NEW = "463d2245f025", "111111111111", "222222222222"


def by(version: str = "0.1.0", **methods: str) -> Any:
    """A change of a record: the version that trained it, and the sources of its methods."""

    def change(record: dict[str, Any]) -> None:
        record["environment"] = {"negbench": version}
        if methods:
            record["code"] = {"backbones": {"mf": MF}, "methods": methods}

    return change


def texts(*folders: Path) -> list[str]:
    return [note.text for note in of_code(open_run(list(folders)), "books", "mf")]


@pytest.fixture
def cell(tmp_path: Path, write: Any) -> Any:
    def cell(method: str, seed: int, change: Any, folder: str = "run") -> Path:
        values = {"all": [0.1, 0.2]}
        write(tmp_path / folder, "books", method, seed, values, change=change)
        return tmp_path / folder

    return cell


def test_cells_of_one_version_and_source_carry_none(cell: Any) -> None:
    run = [cell("dns", seed, by(dns=OLD)) for seed in (0, 1)][0]
    cell("random", 0, by(random=NEW))
    assert not texts(run)


def test_several_versions_are_named_with_their_cells(cell: Any) -> None:
    for seed, version in enumerate(("0.2.0", "0.1.0", "0.2.0")):
        run = cell("dns", seed, by(version))
    assert texts(run) == [
        "Cells were trained by negbench 0.1.0 (1 cell) and 0.2.0 (2 cells): the maths of a "
        "built-in may differ between versions; CHANGELOG says where."
    ]
    assert texts(run)[0] in [note.text for note in of_block(open_run(run), "books", "mf")]


def test_two_sources_in_one_row_name_the_row_and_the_counts(cell: Any) -> None:
    for seed, source in enumerate((OLD, OLD, NEW)):
        run = cell("bc_loss", seed, by(bc_loss=source))
        cell("random", seed, by(random=OLD))
    (text,) = texts(run)
    assert text.startswith("WARNING: the source of method bc_loss changed between cells: ")
    assert f"bc_loss by {OLD} (2 cells) and bc_loss by {NEW} (1 cell)" in text
    assert "random" not in text and "--overwrite all" in text


def test_two_folders_and_a_composition_are_told_apart_too(cell: Any) -> None:
    one = cell("dns", 0, by(dns=OLD), "one")
    two = cell("popularity+dns", 0, by(dns=NEW, popularity=OLD), "two")
    (text,) = texts(one, two)
    assert f"dns by {OLD} (1 cell) and popularity+dns by {NEW} (1 cell)" in text


def test_older_records_say_nothing_and_nothing_is_said(cell: Any) -> None:
    cell("dns", 0, by(dns=OLD))
    cell("dns", 1, lambda record: record.pop("environment"))
    run = cell("dns", 2, lambda record: record.update(code=3))
    assert not texts(run)
