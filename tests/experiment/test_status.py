"""Status: counted from the folder alone, from figures made up so that the answers are known."""

import json
import math
import os
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.errors import NothingToReport
from negbench.experiment.finished.status import status
from negbench.storage import cell_store


def cell(run, method, seed, seconds, reason=""):
    spec = {"dataset": "d", "backbone": "mf", "backbone_variant": "", "method": method}
    spec |= {"variant": "", "seed": seed}
    record = {"status": "failed" if reason else "done", "reason": reason, "spec": spec}
    record |= {"metrics": [], "seconds": {"wall": {"total": seconds}}}
    users = {"users": np.zeros(1, np.int32)}
    return spec | {"cell": cell_store.write_cell(run, record, users=users).name}


def absent(method, seed):
    names = {"dataset": "d", "backbone": "mf", "backbone_variant": "", "variant": ""}
    return {"cell": f"{method}{seed}", "method": method, "seed": seed, **names}


def plan(run, cells, jobs=1):
    text = json.dumps({"command": "negbench run", "options": {"jobs": jobs}, "cells": cells})
    (run / "run.json").write_text(text)


def test_cells_are_counted_and_what_is_left_is_told_from_cells_like_it(tmp_path):
    there = [
        cell(tmp_path, "a", 0, 10.0),
        cell(tmp_path, "a", 1, 20.0),
        cell(tmp_path, "b", 0, 3.0),
    ]
    lost = cell(tmp_path, "c", 0, 0.0, "no draw today")
    cell(tmp_path, "older", 0, 99.0)
    plan(tmp_path, [*there, lost, absent("a", 2), absent("b", 1), absent("new", 0)], jobs=2)
    now = status(tmp_path)
    assert (now.done, len(now.pending), now.other) == (3, 3, 1)
    assert now.failed == {"d mf c/0": "no draw today"}
    assert now.pending == ("d mf a/2", "d mf b/1", "d mf new/0")
    assert now.seconds_left == pytest.approx(15)  # beside it 3 and then 11, the mean of all
    shown = CliRunner().invoke(main, ["status", str(tmp_path)]).output
    assert "about 15 s, if the mean of those that ended holds for 1 cell of other rows\n" in shown
    assert now.slowest[0] == ("d mf a/1", 20.0)


def test_nothing_done_tells_no_time_and_nothing_pending_none_left(tmp_path):
    plan(tmp_path, [absent("a", 0)])
    assert status(tmp_path).seconds_left is None
    plan(tmp_path, [cell(tmp_path, "a", 0, 1.0)])
    assert status(tmp_path).seconds_left == 0


def test_a_merged_folder_without_run_json_is_read_too(tmp_path):
    cell(tmp_path, "a", 0, 1.0)
    assert status(tmp_path).done == 1


def test_a_damaged_cell_is_told_and_counts_as_pending(tmp_path):
    entry = cell(tmp_path, "a", 0, 1.0)
    (tmp_path / "cells" / entry["cell"] / "cell.json").write_text("{")
    plan(tmp_path, [entry])
    now = status(tmp_path)
    assert len(now.damaged) == 1 and now.pending == ("d mf a/0",)


@pytest.mark.parametrize(
    "content",
    [{}, [], "x", {"cells": "x", "options": []}, {"cells": [{}, 1, {"cell": 2}], "options": {}}],
)
def test_a_run_json_of_anything_is_read_past(tmp_path, content):
    cell(tmp_path, "a", 0, 1.0)
    (tmp_path / "run.json").write_text(json.dumps(content))
    now = status(tmp_path)
    assert (now.done, now.pending, now.seconds_left) == (1, (), 0.0)


@pytest.mark.parametrize(
    ("options", "at_once"),
    [
        ({"jobs": 3}, 3),
        ({"jobs": 0}, os.cpu_count()),
        ({"jobs": "x"}, 1),
        ({"engine": "dask", "workers": 4, "jobs": 1}, 4),
        (None, 1),
    ],
)
def test_what_is_left_is_shared_among_those_who_work(tmp_path, options, at_once):
    entries = [cell(tmp_path, "a", 0, 12.0), *(absent("a", seed) for seed in range(1, 13))]
    (tmp_path / "run.json").write_text(json.dumps({"options": options, "cells": entries}))
    assert status(tmp_path).seconds_left == pytest.approx(12.0 * math.ceil(12 / at_once))


def test_a_record_without_reason_or_times_is_no_traceback(tmp_path):
    entry = cell(tmp_path, "a", 0, 0.0, "because")
    path = tmp_path / "cells" / entry["cell"] / "cell.json"
    path.write_text(path.read_text().replace('"reason": "because"', '"reason": 7'))
    slow = cell(tmp_path, "b", 0, [1])
    plan(tmp_path, [entry, slow])
    now = status(tmp_path)
    assert "says no reason" in now.damaged[0] and now.slowest == (("d mf b/0", 0.0),)


def test_a_folder_that_holds_no_run_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "no"):
        with pytest.raises(NothingToReport):
            status(folder)


def test_cells_still_rising_and_cells_in_their_warm_up_are_counted(tmp_path):
    phase = {"name": "own draws", "begins": 9, "reached": False, "kept": False}
    fits = {
        "a": {"epochs": 3, "best_epoch": 3, "capped": True, "phase": None},
        "b": {"epochs": 3, "best_epoch": 1, "capped": False, "phase": phase},
        "old": {"epochs": 3, "best_epoch": 2, "stopped": "epochs", "best_valid": 0.1},
        "reference": {"parameters": 0},
    }
    train = {"epochs": 3, "patience": 2, "eval_every": 1}
    for method, fit in fits.items():
        folder = tmp_path / "cells" / cell(tmp_path, method, 0, 1.0)["cell"]
        record = json.loads((folder / "cell.json").read_text())
        record["spec"]["train"] = train
        moved = {**record, "fit": fit}
        shutil.rmtree(folder)
        cell_store.write_cell(tmp_path, moved, users={"users": np.zeros(1, np.int32)})
    now = status(tmp_path)
    assert (now.trained, now.capped, now.warm_up_only) == (3, 2, 1)
    shown = CliRunner().invoke(main, ["status", str(tmp_path)]).output
    assert "still rising when the budget ended: 2 of 3" in shown
    assert "warm-up only: 1 of 3" in shown
