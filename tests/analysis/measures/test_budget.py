"""Budgets: which rows were still rising, and which never were the method they are named after."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.figures import KINDS
from negbench.analysis.measures.budget import budget
from negbench.analysis.measures.convergence import time_to
from negbench.analysis.runs.frames import Run, open_run
from negbench.analysis.tables.budget_notes import mark, of_budget, of_figure

TRAIN = {"epochs": 3, "patience": 2, "eval_every": 1}
LATE = {"name": "own draws", "begins": 9, "reached": False, "kept": False}


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return write_run_on_paper(tmp_path)


def edited(run: Path, method: str, seeds: tuple[int, ...] = (0, 1), **fit: Any) -> Run:
    """The run, with these entries in the `fit` of a method's cells; None removes one."""
    for path in run.glob("cells/*/cell.json"):
        record = json.loads(path.read_text())
        if record["spec"]["method"] == method:
            record["spec"]["train"] = TRAIN
            record["fit"] |= fit if record["spec"]["seed"] in seeds else {}
            record["fit"] = {name: v for name, v in record["fit"].items() if v != "absent"}
            path.write_text(json.dumps(record))
    return open_run(run)


def line(run: Run, row: str) -> dict[str, Any]:
    return budget(run).set_index("row").loc[row].to_dict()


def texts(run: Run) -> list[str]:
    return [note.text for note in of_budget(run, "hand", "mf")]


def test_a_run_that_patience_ended_has_no_marks_and_no_notes(paper: Path) -> None:
    run = open_run(paper)
    assert sorted(budget(run)["row"]) == ["dns", "popularity", "random"]  # references train nothing
    assert not budget(run)[["capped", "before_phase", "unrecorded"]].to_numpy().any()
    assert texts(run) == [] and of_figure(run, "", "") == ""
    assert mark(line(run, "dns")) == ""


def test_still_rising_rows_are_marked_and_counted(paper: Path) -> None:
    run = edited(paper, "dns", seeds=(1,), capped=True)
    assert (line(run, "dns")["capped"], line(run, "dns")["cells"]) == (1, 2)
    assert mark(line(run, "dns")) == "^" and mark(line(run, "random")) == ""
    assert texts(run) == [
        "^ still rising when the budget ended: 1 of 6 cells (dns 1 of 2); more epochs may raise "
        "these rows and change the order."
    ]


@pytest.mark.parametrize(
    ("ended", "capped"),
    [
        ({"stopped": "epochs", "epochs": 3, "best_epoch": 3}, True),
        ({"stopped": "epochs", "epochs": 3, "best_epoch": 2}, True),
        ({"stopped": "epochs", "epochs": 3, "best_epoch": 1}, False),
        ({"stopped": "time limit", "epochs": 2, "best_epoch": 1}, True),
        ({"stopped": "patience", "epochs": 3, "best_epoch": 1}, False),
        ({"stopped": "epochs", "epochs": 3, "best_epoch": 3, "best_valid": None}, False),
    ],
)
def test_an_old_record_tells_it_by_its_epochs(
    paper: Path, ended: dict[str, Any], capped: bool
) -> None:
    run = edited(paper, "dns", **{"capped": "absent", "best_valid": 0.1, **ended})
    assert line(run, "dns")["capped"] == 2 * capped


def test_a_row_that_never_reached_its_phase_is_named(paper: Path) -> None:
    run = edited(paper, "dns", phase=LATE)
    assert line(run, "dns")["warm_up_only"] and not line(run, "random")["warm_up_only"]
    assert mark(line(run, "dns")) == "~"
    assert texts(run) == [
        "~ warm-up only, ranked last: dns (own draws from epoch 9, trained to 3)."
    ]


def test_a_row_kept_from_before_its_phase_in_one_cell_says_so(paper: Path) -> None:
    kept = LATE | {"begins": 2, "reached": True}
    run = edited(paper, "dns", seeds=(1,), phase=kept)
    assert line(run, "dns")["before_phase"] == 1 and not line(run, "dns")["warm_up_only"]
    assert texts(run) == [
        "~ weights kept from before the method's own phase: dns 1 of 2 (own draws from epoch 2, "
        "trained to 3)."
    ]


def test_an_old_record_does_not_know_its_phase(paper: Path) -> None:
    run = edited(paper, "dns", phase="absent")
    assert line(run, "dns")["unrecorded"] == 2
    (text,) = texts(run)
    assert text.startswith("Not recorded in 2 of 6 cells")


def test_every_caption_of_the_block_says_it(paper: Path) -> None:
    run = edited(paper, "dns", phase=LATE, capped=True)
    for kind in ("convergence", "bands"):
        for plot in KINDS[kind](run, "mrr@2"):
            assert "Still rising when the budget ended: 2 of 6 cells (dns 2 of 2)" in plot.caption
            assert "Warm-up only, ranked last: dns" in plot.caption
    assert "rising" not in KINDS["convergence"](edited(paper, "dns", capped=False), None)[0].caption


def test_the_time_to_the_best_counts_the_own_phase_alone(paper: Path) -> None:
    # dns, seed 1: .5 after 3 s in its warm-up, then .4 after 6 s in its own phase
    phase = LATE | {"begins": 2, "reached": True, "kept": True}
    times = time_to(edited(paper, "dns", seeds=(1,), phase=phase)).set_index("row")
    assert times.loc["dns"][["epochs", "wall", "best"]].tolist() == [2.0, 5.0, 0.5]
