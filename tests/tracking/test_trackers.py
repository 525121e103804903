"""Real trackers: TensorBoard's event files, a file store of MLflow, wandb offline, read back."""

import json
import struct
from collections import defaultdict

import pytest
from helpers.run_on_paper import EPOCHS, write_run_on_paper

from negbench.storage.cell_store import read_cells
from negbench.tracking.__main__ import tell

VALID = [row[0] for row in EPOCHS["dns"][0]]
"""mrr@2 on the validation part after each epoch of dns under seed 0."""


@pytest.fixture
def run(tmp_path):
    return write_run_on_paper(tmp_path / "paper")


def folders(run):
    return [str(cell.folder) for cell in read_cells(run)[0]]


def told_twice(run, name):
    """Tell a tracker of all cells, and once more as after a resume: no failure either time."""
    for _ in range(2):
        answers = list(tell(run, [name], folders(run)))
        assert [set(answer) for answer in answers] == [{"cell"}] * 7, answers


def test_tensorboard_has_a_run_a_cell_with_values_by_epoch(run):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told_twice(run, "tensorboard")
    logs = {path.name.rpartition("-")[0].rpartition("-")[0]: path for path in _places(run)}
    assert len(logs) == len(_places(run)) == 7
    events = EventAccumulator(str(logs["hand_mf_dns_0"])).Reload()
    curve = events.Scalars("epoch/valid_mrr_at_2")
    assert [each.step for each in curve] == [1, 2, 3]
    assert [each.value for each in curve] == pytest.approx(VALID)
    assert curve[2].wall_time - curve[0].wall_time == pytest.approx(4.0)  # seconds of training
    (test,) = events.Scalars("test/mrr_at_2")
    assert test.value == pytest.approx(0.6) and test.step == 3
    assert "_hparams_/session_start_info" in events.summary_metadata


def _places(run):
    return list((run / "tensorboard").iterdir())


@pytest.fixture
def mlflow(monkeypatch):
    library = pytest.importorskip("mlflow")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "true" if "STORE" in name else "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    return library


def runs_of(mlflow, run):
    client = mlflow.MlflowClient(tracking_uri=(run / "mlflow").as_uri())
    experiment = client.get_experiment_by_name("negbench paper")
    return client, {
        each.info.run_name: each for each in client.search_runs([experiment.experiment_id])
    }


def test_mlflow_has_a_run_a_cell_with_values_by_epoch(run, mlflow):
    told_twice(run, "mlflow")
    client, runs = runs_of(mlflow, run)
    assert len(runs) == 7 and {each.info.status for each in runs.values()} == {"FINISHED"}
    dns = runs["hand mf dns/0"]
    curve = client.get_metric_history(dns.info.run_id, "epoch/valid_mrr_at_2")
    assert [(each.step, each.value) for each in curve] == list(enumerate(VALID, 1))
    assert dns.data.params["method"] == "dns" and dns.data.params["seed"] == "0"
    assert dns.data.metrics["test/mrr_at_2"] == pytest.approx(0.6)


def test_a_run_of_mlflow_that_was_cut_short_is_made_again(run, mlflow, monkeypatch):
    monkeypatch.setattr(mlflow.MlflowClient, "set_terminated", None)
    (failed, *_) = tell(run, ["mlflow"], folders(run)[:1])
    assert failed["failed"] == "mlflow"
    monkeypatch.undo()
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert list(tell(run, ["mlflow"], folders(run)[:1])) == [{"cell": folders(run)[0][-12:]}]
    _, runs = runs_of(mlflow, run)
    assert [each.info.status for each in runs.values()] == ["FINISHED"]


def test_a_server_that_is_down_is_one_answer_and_the_other_trackers_go_on(run, mlflow, monkeypatch):
    pytest.importorskip("tensorboard")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing listens there
    answers = list(tell(run, ["mlflow", "tensorboard"], folders(run)))
    failed = [answer for answer in answers if "failed" in answer]
    assert len(failed) == 1 and failed[0]["failed"] == "mlflow" and "\n" not in failed[0]["reason"]
    assert len(_places(run)) == 7 and not (run / "mlflow").exists()


def test_wandb_has_an_offline_run_a_cell(run, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    cells = [cell for cell in read_cells(run)[0] if cell.spec["method"] == "dns"]
    for _ in range(2):
        answers = list(tell(run, ["wandb"], [str(cell.folder) for cell in cells]))
        assert [set(answer) for answer in answers] == [{"cell"}] * 2, answers
    offline = list((run / "wandb").glob("offline-run-*"))
    assert len(offline) == 2
    first = next(path for path in offline if cells[0].folder.name in path.name)
    history = _history(next(first.glob("*.wandb")))
    seed = int(cells[0].spec["seed"])
    assert history["epoch/valid_mrr_at_2"] == [row[0] for row in EPOCHS["dns"][seed]]


def _history(path):
    """The logged values of an offline run, read from its file of records."""
    from wandb.proto import wandb_internal_pb2

    values = defaultdict(list)
    for data in _records(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        for item in record.history.item if record.HasField("history") else ():
            values[item.key or "/".join(item.nested_key)].append(json.loads(item.value_json))
    return values


def _records(data, header=7, block=32768):
    """Records in LevelDB's log format: checksum, length, kind (whole, first, middle, last)."""
    at, record = header, b""
    while at + 7 <= len(data):
        if block - at % block < 7:
            at += block - at % block
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        record += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield record
            record = b""
