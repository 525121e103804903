"""Each tracker shows a cell while it trains, and takes it away at its end."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from helpers.live_progress import TAG, write

from negbench.storage import claims
from negbench.storage.training_progress import Evaluation
from negbench.tracking import __main__ as process
from negbench.tracking.live_cells import LiveCell, LiveCells, look_at


def test_tensorboard_shows_a_cell_while_it_trains(held):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write(held, [Evaluation(1, 1.0, 0.25), Evaluation(2, 2.0, 0.5)])
    curves = []

    def pauses():
        yield None
        (folder,) = (held.run / "tensorboard").iterdir()
        assert folder.name == f"hand_mf_dns_0-{held.token}-live"
        curves.extend(EventAccumulator(str(folder)).Reload().Scalars(TAG))
        claims.claims(held.run)
        held.release()
        yield None
        assert list((held.run / "tensorboard").iterdir()) == []

    assert list(process.tell(held.run, ["tensorboard"], pauses())) == []
    assert [(each.step, each.value) for each in curves] == [(1, 0.25), (2, 0.5)]


def fake_module(monkeypatch, name, **attributes):
    module = ModuleType(name)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)
    return module


class FakeClient:
    """What of MLflow's client live runs need."""

    def __init__(self, tracking_uri):
        self.runs = {}

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id="1")

    def create_run(self, experiment, start_time, tags, run_name):
        run = SimpleNamespace(
            info=SimpleNamespace(run_id=f"run{len(self.runs)}"),
            data=SimpleNamespace(tags=tags),
            name=run_name,
            metrics=[],
        )
        self.runs[run.info.run_id] = run
        return run

    def search_runs(self, experiments, query):
        tag, _, value = query.removeprefix("tags.").partition(" ")
        wanted = value.removeprefix("= ").strip("'")
        there = [run for run in self.runs.values() if tag.strip("`") in run.data.tags]
        return [r for r in there if "LIKE" in query or r.data.tags[tag.strip("`")] == wanted]

    def log_batch(self, run_id, metrics):
        self.runs[run_id].metrics += metrics

    def delete_run(self, run_id):
        del self.runs[run_id]


def test_mlflow_has_a_run_while_a_cell_trains(held, monkeypatch):
    fake_module(monkeypatch, "mlflow", MlflowClient=FakeClient)
    fake_module(monkeypatch, "mlflow.entities", Metric=lambda *values: values)
    write(held, [Evaluation(1, 1.0, 0.25)])
    tracker = process.MlflowRuns(held.run)
    live = LiveCells(tracker)
    live.look(*look_at(held.run))
    (run,) = tracker.client.runs.values()
    assert run.name == "hand mf dns/0 (live)" and list(tracker.live()) == [held.token]
    ((name, value, _, step),) = run.metrics
    assert (name, value, step) == (TAG, 0.25, 1)
    live.close()
    assert tracker.client.runs == {}


def test_live_runs_of_other_folders_in_one_experiment_stay(held, monkeypatch, tmp_path):
    """They were deleted under the process that told of them, which then lost its tracker."""
    fake_module(monkeypatch, "mlflow", MlflowClient=FakeClient)
    fake_module(monkeypatch, "mlflow.entities", Metric=lambda *values: values)
    other, tracker = process.MlflowRuns(tmp_path / "other"), process.MlflowRuns(held.run)
    tracker.client = other.client
    other.begin(LiveCell("feed", "hand mf dns/9", ()))
    live = LiveCells(tracker)
    live.look([], set())
    assert list(other.live()) == ["feed"] and list(tracker.live()) == []


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_wandb_has_a_run_online_while_a_cell_trains(held, monkeypatch, mode):
    calls = []
    run = SimpleNamespace(
        path="me/negbench/id",
        log=lambda values, step: calls.append((values, step)),
        finish=lambda: calls.append("finish"),
    )
    api = SimpleNamespace(run=lambda path: SimpleNamespace(delete=lambda: calls.append(path)))
    fake_module(
        monkeypatch,
        "wandb",
        init=lambda **given: calls.append((given["name"], given["mode"])) or run,
        Settings=lambda **given: given,
        Api=lambda: api,
    )
    monkeypatch.setenv("WANDB_MODE", mode)
    write(held, [Evaluation(1, 1.0, 0.25)])
    live = LiveCells(process.WandbRuns(held.run))
    live.look(*look_at(held.run))
    live.close()
    expected = [("hand mf dns/0 (live)", "online"), ({TAG: 0.25}, 1), "finish", "me/negbench/id"]
    assert calls == (expected if mode == "online" else [])
