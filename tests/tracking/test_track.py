"""Trackers of a run: refused before training where absent, told by a process of their own."""

import logging
import sys

import pytest
from helpers.run_on_paper import write_run_on_paper
from helpers.small_runs import DATA, go

from negbench.errors import UserError
from negbench.experiment import run_grid
from negbench.storage.cell_store import read_cells
from negbench.tracking import track
from negbench.tracking.track import Tracking, require_installed, views


@pytest.fixture
def run(tmp_path):
    return write_run_on_paper(tmp_path / "paper")


def specs(run):
    return [cell.spec for cell in read_cells(run)[0]]


def test_a_library_that_is_absent_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setattr(track, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'negbench\[mlflow\]'"):
        go(tmp_path / "run", methods="random", track="mlflow")
    assert not (tmp_path / "run").exists()


def test_a_folder_of_its_name_is_no_library(tmp_path, monkeypatch):
    (tmp_path / "no_such_tracker").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="not installed"):
        require_installed(["no_such_tracker"])


@pytest.mark.parametrize("words", ["tensorbord", "mlflow,wandbb"])
def test_an_unknown_tracker_is_refused_with_the_nearest(tmp_path, words):
    with pytest.raises(UserError, match="did you mean"):
        go(tmp_path / "run", track=words)


def test_a_process_that_ends_at_once_is_a_warning(run, monkeypatch, caplog):
    monkeypatch.setattr(track.sys, "executable", "/bin/false")
    tracking = Tracking(run, ["tensorboard"])
    tracking.write(specs(run))
    tracking.close()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and "7 cells not told of" in record.getMessage()


def test_one_that_never_answers_is_given_up(run, monkeypatch, caplog, tmp_path):
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setattr(track.sys, "executable", str(silent))
    monkeypatch.setattr(track, "SILENCE", 0.3)
    tracking = Tracking(run, ["tensorboard"])
    tracking.write(specs(run)[:1])
    tracking.close()
    assert "1 cell not told of" in caplog.records[0].getMessage()


def test_without_trackers_and_without_cells_no_process_starts(run, monkeypatch):
    monkeypatch.setattr(track, "_start", None)
    for tracking, cells in ((Tracking(run, []), specs(run)), (Tracking(run, ["wandb"]), [])):
        tracking.write(cells)
        tracking.close()


def test_a_run_tells_of_its_cells_and_of_earlier_ones_and_of_none_twice(tmp_path):
    pytest.importorskip("tensorboard")
    out = tmp_path / "run"
    go(out, datasets=[DATA], methods="random", seeds=1)
    assert views(out) == [] and not (out / "tensorboard").exists()
    for _ in range(2):
        go(out, datasets=[DATA], methods="random,popularity", seeds=1, track="tensorboard")
        assert len(list((out / "tensorboard").iterdir())) == 2
    assert views(out)[0][0] == f"tensorboard --logdir {out}/tensorboard"


def test_a_search_tells_of_final_cells_that_a_tracker_lacks(tmp_path, monkeypatch):
    """A search attends its folder beside the run in it: that is no other process."""
    received = []

    class Told(Tracking):
        def write(self, specs):
            received.extend(spec["method"] for spec in specs)

    monkeypatch.setattr(run_grid, "Tracking", Told)
    go(tmp_path, methods="random", seeds=1, epochs=1)
    received.clear()
    with run_grid.attend(tmp_path):
        go(tmp_path, methods="random", seeds=1, epochs=1)
    assert received == ["random"]
