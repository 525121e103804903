from pathlib import Path

import pytest
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.measures.hardness import by_epoch, hardness
from negbench.analysis.runs.frames import open_run


def test_a_run_without_probes_has_no_line(folder: Path) -> None:
    for frame in (hardness(open_run(folder)), by_epoch(open_run(folder))):
        assert frame.empty
        assert {"gap_p50", "percentile_p90", "neg_head", "neg_tail", "ess"} <= set(frame.columns)


def test_the_distance_of_made_vectors_is_shown_where_there_are_any(tmp_path: Path) -> None:
    assert "snap" not in hardness(open_run(write_run_on_paper(tmp_path / "a")))
    run = write_run_on_paper(tmp_path / "b")
    for path in (run / "cells").glob("*/epochs.csv"):
        head, *lines = path.read_text().splitlines()
        path.write_text("\n".join([f"{head},snap", *(f"{line},0.25" for line in lines), ""]))
    assert hardness(open_run(run))["snap"].tolist() == pytest.approx([0.25] * 3)


def test_epochs_after_the_best_take_no_part(tmp_path: Path) -> None:
    frame = hardness(open_run(write_run_on_paper(tmp_path))).set_index("row")
    # dns, seed 1: -1 at epoch 1, its best, and -5 at epoch 2, which made no weight that was ranked
    assert frame["gap_p50"]["dns"] == pytest.approx((-2 - 1) / 2)
