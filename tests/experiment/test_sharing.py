"""Scenarios in shared memory: the same to the last bit, mapped and not copied, gone afterwards."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from negbench.experiment.cell.spec import CellSpec, PlannedCell
from negbench.experiment.workers.local_pool import Task, in_pool
from negbench.experiment.workers.shared_memory import shared
from negbench.scenario.scenario import prepare
from negbench.training.config import TrainConfig

DATA = "synthetic(users=40,items=60,interactions=900,relevant=0.4)"


@pytest.fixture
def no_room(monkeypatch):
    """The file of a shared scenario cannot be made."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for name in ("TemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, full)


def worked(scenario, name, out):
    """What one cell in one worker process came to."""
    done, spec = [], CellSpec(name, "mf", "random", train=TrainConfig(epochs=1))
    task = Task(PlannedCell.of(spec, scenario), out, None, "cpu", 1, 0)
    in_pool([task], 1, {spec.scenario_key: scenario}, done.append)
    return [each.reason for each in done]


@pytest.fixture
def gone(tmp_path):
    """A scenario of a file that is no longer there, and its name."""
    data = tmp_path / "mine.csv"
    pairs = (f"{user},{(3 * user + step) % 30}" for user in range(20) for step in range(8))
    data.write_text("\n".join(["user,item", *pairs]))
    scenario = prepare(str(data))
    data.unlink()
    return scenario, str(data)


def looked(held):
    """What whoever opens it finds."""
    scenario = held.open()[DATA]
    context = scenario.train_context(seed=0, device=torch.device("cpu"))
    base = scenario.packed.bits
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    return {
        "hash": scenario.split.hash,
        "record": scenario.record(),
        "bits": context.excluded.bits.numpy().tobytes(),
        "seen": scenario.seen.keys.tobytes(),
        "mapped": isinstance(base, np.memmap),
    }


def test_the_same_scenario_is_found_in_the_map():
    scenario = prepare(DATA)
    with shared({DATA: scenario}) as held:
        mapped = looked(held)
        path = Path(held.path)
        assert path.exists()
    assert not path.exists()
    assert mapped["hash"] == scenario.split.hash and mapped["record"] == scenario.record()
    assert mapped["bits"] == scenario.packed.bits.tobytes()
    assert mapped["seen"] == scenario.seen.keys.tobytes()
    assert mapped["mapped"]
    assert len(held.content) < 100_000  # the arrays are not in it


def test_what_a_worker_writes_stays_its_own():
    scenario = prepare(DATA)
    with shared({DATA: scenario}) as held:
        before = scenario.packed.bits.copy()
        held.open()[DATA].packed.bits[:] = 255
        assert np.array_equal(held.open()[DATA].packed.bits, before)


def test_a_worker_reads_no_data_of_its_own(gone, tmp_path):
    assert worked(*gone, tmp_path / "run") == [""]


def test_without_room_a_worker_reads_the_data_itself(gone, tmp_path, no_room):
    assert worked(prepare(DATA), DATA, tmp_path / "run") == [""]
    (reason,) = worked(*gone, tmp_path / "other")
    assert "mine.csv" in reason
