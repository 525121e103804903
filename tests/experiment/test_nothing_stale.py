"""Nothing stale in a process: workers, tables of vectors, open runs and folders of data."""

from pathlib import Path

import numpy as np
from helpers.small_runs import go

from negbench.experiment.cell.spec import CellSpec, PlannedCell
from negbench.experiment.finished.run import open_run
from negbench.experiment.options.options import build
from negbench.experiment.workers.local_pool import CHANGED, Task, work
from negbench.storage import cell_store
from negbench.training.config import TrainConfig

QUICK = {"methods": "random", "seeds": 1, "epochs": 1, "dim": 4}


def written(path, shift=0):
    rows = (
        f"u{u},i{(u * 2 + i + shift * (i // 3)) % 14},{u + 20 * i}\n"
        for u in range(12)
        for i in range(7)
    )
    path.write_text("user,item,time\n" + "".join(rows))
    return path


def test_an_open_run_shows_cells_that_came_later(tmp_path):
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    go(out, **QUICK, datasets=[str(path)])
    opened = open_run(out)
    assert "dns" not in opened.table() and opened.records is opened.records
    go(out, **{**QUICK, "datasets": [str(path)], "methods": "dns"})
    assert "dns" in opened.table()


def test_a_worker_trains_on_nothing_but_the_planned_data(tmp_path):
    path = written(tmp_path / "data.csv")
    spec = CellSpec(str(path), "mf", "random", train=TrainConfig(epochs=1, dim=4))
    planned = PlannedCell.of(spec, spec.scenario_key.prepare())
    task = Task(planned, tmp_path / "out", None, "cpu", 1, 0)
    written(path, shift=1)
    assert work(task, {}).reason == CHANGED
    (cell,) = cell_store.read_cells(tmp_path / "out")[0]
    assert not cell.done and cell.spec == planned.resolved
    written(path)
    assert work(task, {}).reason == ""


def test_an_edited_table_of_vectors_is_another_cell_and_is_read_again(tmp_path):
    path, vectors = written(tmp_path / "data.csv"), tmp_path / "v.npy"
    np.save(vectors, np.eye(14))
    spec = CellSpec(str(path), "mf", "random", encoder=str(vectors))
    scenario = spec.scenario_key.prepare()
    one = scenario.texts(spec.encoder, "cpu")
    assert scenario.texts(spec.encoder, "cpu") is one
    np.save(vectors, np.eye(14)[::-1])
    two = scenario.texts(spec.encoder, "cpu")
    assert two.vectors[0].tolist() == np.eye(14)[13].tolist() != one.vectors[0].tolist()


def test_the_data_folder_is_kept_by_its_full_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    assert build({"data_dir": "data"}).data_dir == str(tmp_path / "data")
