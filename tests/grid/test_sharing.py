"""Grounds that workers share: the same to the last bit, mapped and not copied, gone afterwards."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from negbench.grid.engine import Task, in_pool
from negbench.grid.sharing import shared
from negbench.ground import prepare
from negbench.spec import CellSpec
from negbench.train import TrainConfig

DATA = "synthetic(users=40,items=60,interactions=900,relevant=0.4)"


def looked(held):
    """What whoever opens it finds."""
    ground = held.open()[DATA]
    world = ground.world(seed=0, device=torch.device("cpu"))
    base = ground.packed.bits
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    return {
        "hash": ground.split.hash,
        "record": ground.record(),
        "bits": world.excluded.bits.numpy().tobytes(),
        "seen": ground.seen.keys.tobytes(),
        "mapped": isinstance(base, np.memmap),
    }


def test_the_same_ground_is_found_in_the_map():
    ground = prepare(DATA)
    with shared({DATA: ground}) as held:
        found = looked(held)
        path = Path(held.path)
        assert path.exists()
    assert not path.exists()
    assert found["hash"] == ground.split.hash and found["record"] == ground.record()
    assert found["bits"] == ground.packed.bits.tobytes()
    assert found["seen"] == ground.seen.keys.tobytes()
    assert found["mapped"]
    assert len(held.content) < 100_000  # the arrays are not in it


def test_what_a_worker_writes_stays_its_own():
    ground = prepare(DATA)
    with shared({DATA: ground}) as held:
        before = ground.packed.bits.copy()
        held.open()[DATA].packed.bits[:] = 255
        assert np.array_equal(held.open()[DATA].packed.bits, before)


@pytest.mark.parametrize("room", [True, False])
def test_cells_are_worked_on_with_and_without_room_for_the_file(room, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    if not room:
        monkeypatch.setattr(tempfile, "TemporaryFile", full)
        monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    ground, done = prepare(DATA), []
    spec = CellSpec(DATA, "mf", "random", train=TrainConfig(epochs=1))
    task = Task(spec, spec.resolve(ground), "cell", "label", tmp_path, None, "cpu", 1, 0)
    in_pool([task], 1, {DATA: ground}, done.append)
    assert [each.reason for each in done] == [""]
