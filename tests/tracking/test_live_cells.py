"""Cells are told of while they train: from the files of `status --watch`, to each tracker."""

import io
import json
import threading
import time
from types import SimpleNamespace

import pytest
from helpers.live_progress import CELL, TAG, write
from helpers.run_on_paper import write_run_on_paper

from negbench.experiment.workers.writing_progress import writing_progress
from negbench.storage import claims, training_progress
from negbench.storage.cell_store import read_cells
from negbench.storage.training_progress import RECENT, Evaluation
from negbench.tracking import __main__ as process
from negbench.tracking import live_cells, track
from negbench.tracking.live_cells import LiveCell, LiveCells, look_at
from negbench.tracking.track import Tracking
from negbench.tracking.tracked_cell import EpochValues
from negbench.training.config import Progress, TrainConfig


class Fake:
    """A tracker that writes down what it is told."""

    def __init__(self, run=None, there=()):
        self.calls, self.there = [], list(there)

    def live(self):
        return self.there

    def begin(self, cell):
        self.calls.append(("begin", cell.name))

    def log(self, token, values):
        self.calls.append(("log", [(each.epoch, *each.values.items()) for each in values]))

    def end(self, token):
        self.calls.append(("end", token))

    def has(self, cell_id):
        return False

    def write(self, cell):
        self.calls.append(("write", cell.name))


def cell(token, *epochs):
    values = tuple(EpochValues(epoch, 0.0, {TAG: epoch / 10}) for epoch in epochs)
    return LiveCell(token, f"cell {token}", values)


def test_each_evaluation_is_told_once_and_the_cell_goes_when_it_ends():
    tracker = Fake()
    live = LiveCells(tracker)
    live.look([cell("a", 1, 2)], {"a"})
    live.look([cell("a", 1, 2)], {"a"})
    live.look([cell("a", 2, 3), cell("b", 5)], {"a", "b"})
    live.look([cell("b", 5)], {"b"})
    live.close()
    assert tracker.calls == [
        ("begin", "cell a"),
        ("log", [(1, (TAG, 0.1)), (2, (TAG, 0.2))]),
        ("log", [(3, (TAG, 0.3))]),
        ("begin", "cell b"),
        ("log", [(5, (TAG, 0.5))]),
        ("end", "a"),
        ("end", "b"),
    ]


def test_what_another_process_tells_is_left_to_it_and_its_leftovers_are_removed():
    tracker = Fake(there=["theirs", "left"])
    live = LiveCells(tracker)
    live.look([cell("theirs", 1)], {"theirs"})
    live.close()
    assert tracker.calls == [("end", "left")]


def test_training_writes_its_evaluations_beside_its_claim(held):
    rows = [{"epoch": n, "wall": n / 2, "cpu": 0.0, "loss": 1.0} for n in range(1, 7)]
    for row in rows[1::2]:
        row["valid_ndcg@20"] = row["epoch"] / 100
    rows[3]["valid_ndcg@20"] = float("nan")
    writing_progress(held, TrainConfig())(
        Progress(epoch=6, best_epoch=6, best_valid=0.06, rows=rows)
    )
    listed = training_progress.evaluations(held.run / claims.FOLDER, held.cell, held.token)
    assert listed == [Evaluation(2, 1.0, 0.02), Evaluation(6, 3.0, 0.06)]
    (claim,) = claims.claims(held.run)
    assert claim.progress.epoch == 6 and claim.progress.best_valid == 0.06


def test_the_file_stays_small(held):
    write(held, [Evaluation(n, float(n), 0.1) for n in range(1, 5001)])
    listed = training_progress.evaluations(held.run / claims.FOLDER, held.cell, held.token)
    assert len(listed) == RECENT and listed[-1].epoch == 5000


@pytest.mark.parametrize("content", ["", "{}", '{"evaluations": [[1]]}', "[]"])
def test_a_damaged_file_has_none(held, content):
    folder = held.run / claims.FOLDER
    training_progress.path_of(folder, held.cell, held.token).write_text(content)
    assert training_progress.evaluations(folder, held.cell, held.token) == []
    assert look_at(held.run)[0] == []


def test_look_at_reads_name_values_and_times(held):
    write(held, [Evaluation(1, 1.0, 0.25), Evaluation(3, 3.0, 0.5)])
    (training,), alive = look_at(held.run)
    assert alive == {held.token} == {training.token} and training.name == "hand mf dns/0"
    assert [each.values for each in training.evaluations] == [{TAG: 0.25}, {TAG: 0.5}]
    first, last = training.evaluations
    assert last.ended - first.ended == pytest.approx(2.0) and abs(last.ended - time.time()) < 60


def test_cells_of_another_command_or_machine_are_alive_and_not_ours(held, monkeypatch):
    write(held, [Evaluation(1, 1.0, 0.25)])
    monkeypatch.setattr(live_cells.os, "getpgid", lambda process: process)
    assert look_at(held.run) == ([], {held.token})
    monkeypatch.undo()
    assert len(look_at(held.run)[0]) == 1
    monkeypatch.setattr(live_cells.socket, "gethostname", lambda: "elsewhere")
    assert look_at(held.run) == ([], {held.token})


def test_the_process_tells_live_cells_between_finished_ones(tmp_path, monkeypatch):
    run = write_run_on_paper(tmp_path / "paper")
    done = str(read_cells(run)[0][0].folder)
    tracker = Fake()
    monkeypatch.setitem(process.TRACKERS, "fake", lambda run: tracker)
    with claims.take(run, CELL, "hand mf dns/0") as claim:
        write(claim, [Evaluation(1, 1.0, 0.25)])
        answers = list(process.tell(run, ["fake"], [None, None, done]))
    assert [name for name, _ in tracker.calls] == ["begin", "log", "write", "end"]
    assert answers == [{"cell": done.rpartition("/")[2]}]


def test_a_tracker_that_fails_live_is_left_out_in_one_answer(held, monkeypatch):
    write(held, [Evaluation(1, 1.0, 0.25)])
    tracker = Fake()
    tracker.begin = None
    monkeypatch.setitem(process.TRACKERS, "fake", lambda run: tracker)
    (answer,) = process.tell(held.run, ["fake"], [None, None])
    assert answer["failed"] == "fake" and "not callable" in answer["reason"]


def test_nothing_is_opened_while_nothing_trains(tmp_path, monkeypatch):
    monkeypatch.setitem(process.TRACKERS, "fake", None)
    assert list(process.tell(tmp_path, ["fake"], [None, None])) == []


def test_lines_come_at_once_and_pauses_between_them(monkeypatch):
    monkeypatch.setattr(process, "PAUSE", 0.05)
    assert list(process.lines_and_pauses(io.StringIO("a\nb\n"))) == ["a", "b"]
    more = threading.Event()

    def slow():
        yield "a\n"
        more.wait(10)
        yield "b\n"

    seen = []
    for each in process.lines_and_pauses(slow()):
        seen.append(each)
        if seen.count(None) == 2:
            more.set()
    assert seen[:3] == ["a", None, None] and seen[-1] == "b"


def test_a_run_with_trackers_starts_the_process_before_a_cell_has_ended(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(track, "_start", lambda run, names: started.append(names) or _ended())
    Tracking(tmp_path, []).watch()
    assert started == []
    tracking = Tracking(tmp_path, ["tensorboard"])
    tracking.watch()
    tracking.watch()
    tracking.close()
    assert started == [("tensorboard",)]


def _ended():
    return SimpleNamespace(stdin=io.StringIO(), stdout=[], poll=lambda: 0, wait=lambda: 0)


def test_status_says_nothing_new_of_a_cell(held):
    """The evaluations are for trackers; what programs read of `status --json` is as it was."""
    write(held, [Evaluation(1, 1.0, 0.25)])
    (claim,) = claims.claims(held.run)
    assert "evaluations" not in json.dumps(vars(claim.progress))
