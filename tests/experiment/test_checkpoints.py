"""A long cell that is killed goes on from its checkpoint with the same bits, wherever it ran."""

from pathlib import Path

import pytest
from helpers.every_method_cell import BACKBONES, METHODS, asked, bits, by_method
from helpers.small_runs import DATA, LOGS, go, killing, logged

from negbench.experiment.cell import code_mark
from negbench.experiment.cell.run import run_cell
from negbench.experiment.cell.spec import CellSpec, PlannedCell
from negbench.plugins import registry
from negbench.training import checkpoint
from negbench.training.config import TrainConfig


class Killed(Exception):
    """Stands for a kill between two epochs."""


@pytest.mark.parametrize("name", METHODS)
def test_every_method_goes_on_with_the_same_bits(tmp_path, name):
    """Each epoch in a fit of its own, till early stopping; best weights, parts, streams, probes."""
    train = TrainConfig(epochs=4, patience=2, dim=8, batch_size=256, lr=0.2)
    spec = CellSpec(DATA, BACKBONES[name], asked(name), log_negatives=50, train=train)
    scenario = spec.scenario_key.prepare()
    cell = PlannedCell.of(spec, scenario)
    quiet = run_cell(cell, scenario, tmp_path / "quiet")
    whole = bits(quiet)
    for stop in range(2, len(whole["epochs"]) + 1):

        def kill(row, stop=stop):
            if row["epoch"] == stop:
                raise Killed

        with pytest.raises(Killed):
            run_cell(cell, scenario, tmp_path / "cut", on_epoch=kill, checkpoint_every=1)
    rows = []
    cut = bits(run_cell(cell, scenario, tmp_path / "cut", on_epoch=rows.append, checkpoint_every=1))
    assert [row["epoch"] for row in rows] == [len(whole["epochs"])]
    assert [what for what in whole if whole[what] != cut[what]] == []


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_without_a_number_they_go_by_time(tmp_path, monkeypatch, seconds):
    """Due at the end of each epoch, or not within this cell; the bits are those without."""
    spec = CellSpec(DATA, "mf", "dns", train=TrainConfig(epochs=4, dim=8, batch_size=256))
    scenario = spec.scenario_key.prepare()
    cell = PlannedCell.of(spec, scenario)
    whole, out = bits(run_cell(cell, scenario, tmp_path / "quiet")), tmp_path / "cut"
    assert not (tmp_path / "quiet" / "checkpoints").exists()
    monkeypatch.setattr(checkpoint, "SECONDS", seconds)

    def kill(row):
        if row["epoch"] == 3:
            raise Killed

    with pytest.raises(Killed):
        run_cell(cell, scenario, out, on_epoch=kill)
    rows = []
    assert bits(run_cell(cell, scenario, out, on_epoch=rows.append)) == whole
    assert [row["epoch"] for row in rows] == ([1, 2, 3, 4] if seconds else [3, 4])
    assert not list(out.glob("checkpoints/*"))


@pytest.mark.parametrize("change", ["plug-in", "package", "threads"])
def test_one_of_other_code_is_left_alone(tmp_path, plugin, monkeypatch, change):
    path = plugin("long", LOGS.replace("0.4", "0"))
    registry.add_plugin(path)
    spec = CellSpec(DATA, "mf", "long", train=TrainConfig(epochs=2, dim=8))
    scenario = spec.scenario_key.prepare()
    cell = PlannedCell.of(spec, scenario)

    def kill(row):
        if row["epoch"] == 2:
            raise Killed

    def trained(on_epoch, **more):
        return run_cell(cell, scenario, tmp_path, on_epoch=on_epoch, checkpoint_every=1, **more)

    with pytest.raises(Killed):
        trained(kill)
    if change == "plug-in":
        Path(path).write_text(Path(path).read_text() + "\n")
        registry.refresh()  # as a run does at its start
    elif change == "package":
        monkeypatch.setattr(code_mark, "_hash_of_package", lambda: "of another version")
    rows = []
    trained(rows.append, threads=1 + (change == "threads"))
    assert [row["epoch"] for row in rows] == [1, 2]
    assert not list(tmp_path.glob("checkpoints/*"))


ENGINES = [{"jobs": 2}, {"engine": "dask", "workers": 2}]


@pytest.mark.parametrize("engine", ENGINES, ids=["local", "dask"])
def test_a_worker_killed_in_a_long_cell_hands_its_checkpoint_on(tmp_path, plugin, engine):
    if "engine" in engine:
        pytest.importorskip("distributed")
    path = plugin("long", LOGS)
    grid = {"methods": "long,random", "plugins": [path], "seeds": 1, "epochs": 5}
    killed = killing(path, [4])
    result = go(tmp_path / "hurt", **grid, checkpoint_every=1, **engine)
    killed.join()
    assert result.done == 2 and not result.failed
    processes, epochs = zip(*logged(path), strict=True)
    assert epochs == (1, 2, 3, 4, 4, 5) and len(set(processes)) == 2
    go(tmp_path / "quiet", **grid)
    hurt, quiet = by_method(tmp_path / "hurt"), by_method(tmp_path / "quiet")
    assert bits(hurt["long"]) == bits(quiet["long"])
    assert list((tmp_path / "hurt" / "checkpoints").iterdir()) == []
