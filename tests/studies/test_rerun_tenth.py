"""studies/rerun_tenth.py: cells trained again are the same to the bit; what differs is named."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from helpers.small_runs import SMALL, go

from negbench.errors import UserError
from negbench.experiment.options.options import build, flatten
from negbench.storage import cell_store

SCRIPT = Path(__file__).resolve().parents[2] / "studies" / "rerun_tenth.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("rerun_tenth", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    go(out, methods=["random", "dns"], backbones=["mf"], references=["most_popular"], seeds=2)
    return out


def call(*words):
    return subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True)


def test_a_tenth_at_least_one_cell_is_drawn_by_its_seed(script, run):
    cells, n = script.drawn([run], 0.1, 0)
    assert n == 5 and len(cells) == 1
    for share in (0.3, 1.0):
        assert len(script.drawn([run], share, 0)[0]) == ceil(share * n)
    names = {script.drawn([run], 0.1, draw)[0][0][1].folder.name for draw in range(40)}
    assert len(names) == 5
    assert script.drawn([run], 0.5, 3) == script.drawn([run], 0.5, 3)


def test_all_of_a_run_is_the_same_to_the_bit(run):
    done = call(run, "--share", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("identical  ") == 5
    assert done.stdout.endswith("5 of 5 identical (of 5 finished cells, draw 0)\n")


def test_a_method_that_fits_another_data_set_alone_is_no_hindrance(script, run, monkeypatch):
    """exposed needs known negatives: its own start plans nothing of the data of these cells."""
    raw = {**SMALL, "methods": ["exposed"]}
    starts = [build(flatten(raw)), *script.to_resume(run, None)]
    monkeypatch.setattr(script, "to_resume", lambda *_: starts)
    cell = cell_store.read_cells(run)[0][0]
    again = script.planned_again(run, cell)
    assert again is not None and again[1].digest == cell.folder.name
    lost = replace(cell, folder=cell.folder.with_name("0" * 12))
    with pytest.raises(UserError, match="exposed"):
        script.planned_again(run, lost)


def test_what_differs_is_named(script, run, tmp_path):
    _, cell = next(each for each in script.drawn([run], 1, 0)[0] if each[1].spec["seed"] == 1)
    again = script.planned_again(run, cell)
    assert again is not None and again[1].digest == cell.folder.name
    identical, line = script.rerun(run, cell, tmp_path / "same")
    assert identical and line.startswith("identical")
    value = float(np.nextafter(cell.record["metrics"][0]["value"], 1))
    first, *rest = cell.record["metrics"]
    record = {**cell.record, "metrics": [{**first, "value": value}, *rest]}
    other = type(cell)(cell.folder, record)
    (difference,) = script.differences(other, cell)
    assert difference.startswith(f"1 of {len(rest) + 1} metrics, the first valid ")


def test_other_ranks_are_named(script, run, tmp_path):
    _, cell = script.drawn([run], 1, 0)[0][0]
    folder = tmp_path / cell.folder.name
    folder.mkdir()
    for name in script.ARRAYS:
        with np.load(cell.folder / name) as arrays:
            held = {key: arrays[key].copy() for key in arrays.files}
        if name == "ranks.npz":
            held["test_ranks"][0] += 1
        np.savez(folder / name, **held)
    other = type(cell)(folder, cell.record)
    assert script.differences(cell, other) == ["test_ranks of ranks.npz"]
    (folder / "ranks.npz").unlink()
    assert script.differences(cell, other) == ["ranks.npz is missing in one of them"]


def test_other_versions_are_told(script, run):
    _, cell = script.drawn([run], 1, 0)[0][0]
    before = {**cell.record, "environment": {**cell.record["environment"], "torch": "1.0"}}
    assert "torch 1.0 then, " in script.elsewhere(type(cell)(cell.folder, before), cell)
    assert script.elsewhere(cell, cell) == ""


def test_a_folder_that_is_no_run_is_one_sentence(script, tmp_path):
    with pytest.raises(UserError, match="a run must have a finished cell"):
        script.drawn([tmp_path], 0.1, 0)
    wrong = call(tmp_path)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
    assert call(tmp_path, "--share", "0").returncode == 2
    assert not (tmp_path / "cells").exists() and cell_store.read_cells(tmp_path)[0] == []
