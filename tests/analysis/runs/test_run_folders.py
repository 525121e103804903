"""Several run folders read as one."""

from pathlib import Path

import pytest
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.runs import frames


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    return write_run_on_paper(tmp_path / "run")


def test_a_folder_given_twice_counts_once(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hand / "cells" / "notes.txt").write_text("mine")
    monkeypatch.chdir(hand.parent)
    run = frames.open_run([hand, "run", hand / "cells" / ".."])
    assert (len(run.folders), len(run.cells), len(run.damaged)) == (3, 7, 1)
