"""Cells on disk: complete or absent, read without pickles, and `results.csv` derived from them."""

import csv
import json
import os

import numpy as np
import pytest

from negbench.errors import UserError
from negbench.storage import cell_store


def spec(method="random", seed=0, variant=""):
    return {
        "dataset": "toy",
        "backbone": "mf",
        "method": method,
        "variant": variant,
        "seed": seed,
    }


def record(value=0.5, status="done", **named):
    metric = {"split": "test", "metric": "ndcg", "k": 20, "band": "all", "value": value}
    return {"status": status, "reason": "", "spec": spec(**named), "metrics": [metric]}


USERS = {"users": np.arange(3), "ndcg@20/all": np.array([0.1, np.nan, 0.3], np.float32)}


def test_a_cell_comes_back_as_it_was_written(tmp_path):
    folder = cell_store.write_cell(
        tmp_path, record(), users=USERS, epochs=[{"epoch": 1, "loss": 0.5}]
    )
    cell = cell_store.read_cell(folder)
    assert cell.done and cell.spec == spec()
    assert np.array_equal(cell.users()["ndcg@20/all"], USERS["ndcg@20/all"], equal_nan=True)
    assert cell.epochs() == [{"epoch": 1.0, "loss": 0.5}]
    assert cell_store.find_cell(tmp_path, spec()).folder == folder
    assert cell_store.find_cell(tmp_path, spec(seed=1)) is None


def test_the_hash_is_of_the_spec_and_not_of_its_order():
    turned = dict(reversed(list(spec().items())))
    assert cell_store.digest(spec()) == cell_store.digest(turned)
    assert cell_store.digest(spec()) != cell_store.digest(spec(seed=1))


def test_writing_again_replaces_and_leaves_nothing_behind(tmp_path):
    cell_store.write_cell(tmp_path, record(0.1), users=USERS)
    folder = cell_store.write_cell(tmp_path, record(0.2), users=USERS)
    assert cell_store.read_cell(folder).record["metrics"][0]["value"] == 0.2
    assert [p.name for p in (tmp_path / "cells").iterdir()] == [folder.name]


def test_a_failed_write_leaves_the_old_cell(tmp_path, monkeypatch):
    folder = cell_store.write_cell(tmp_path, record(0.1), users=USERS)

    def full(*_args, **_named):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space"):
        cell_store.write_cell(tmp_path, record(0.2), users=USERS)
    assert cell_store.read_cell(folder).record["metrics"][0]["value"] == 0.1
    assert [p.name for p in (tmp_path / "cells").iterdir()] == [folder.name]


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: (f / "cell.json").write_text("{"),
        lambda f: (f / "cell.json").write_text("[]"),
        lambda f: (f / "cell.json").write_text(json.dumps({"format": 99})),
        lambda f: (f / "cell.json").unlink(),
        lambda f: (f / "users.npz").write_bytes((f / "users.npz").read_bytes()[:50]),
        lambda f: (f / "users.npz").unlink(),
        lambda f: (f / "cell.json").write_bytes(b"\xff\xfe"),
    ],
)
def test_damage_is_one_sentence_and_does_not_stop_the_rest(tmp_path, damage):
    damaged = cell_store.write_cell(tmp_path, record(), users=USERS)
    whole = cell_store.write_cell(tmp_path, record(seed=1), users=USERS)
    damage(damaged)
    with pytest.raises(UserError, match="a cell must be whole"):
        cell_store.read_cell(damaged)
    cells, damage = cell_store.read_cells(tmp_path)
    assert [c.folder for c in cells] == [whole] and len(damage) == 1
    assert cell_store.find_cell(tmp_path, spec()) is None


def test_the_remedy_for_a_spoilt_array_is_one_that_works(tmp_path):
    """A run keeps finished cells, so that to run again alone would change nothing."""
    folder = cell_store.write_cell(tmp_path, record(), users=USERS)
    content = bytearray((folder / "users.npz").read_bytes())
    content[60:70] = b"spoilt....."
    (folder / "users.npz").write_bytes(content)
    assert cell_store.find_cell(tmp_path, spec()) is not None
    with pytest.raises(UserError, match=f"remove the folder {folder.name} and run again"):
        cell_store.read_cell(folder).users()


def test_a_text_with_half_a_character_comes_back(tmp_path):
    """As the name of a file that is no UTF-8 in the error of a plug-in."""
    folder = cell_store.write_cell(tmp_path, record(status="failed") | {"reason": "caf\udce9"})
    assert cell_store.read_cell(folder).failure == "caf\udce9"


def test_nothing_is_unpickled(tmp_path):
    folder = cell_store.write_cell(tmp_path, record(), users=USERS)
    np.savez(folder / "users.npz", users=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        cell_store.read_cell(folder).users()


def test_results_are_derived_in_the_order_asked_for(tmp_path):
    for seed in (10, 2):
        for method in ("random", "dns"):
            cell_store.write_cell(tmp_path, record(seed / 4, method=method, seed=seed), users=USERS)
    cell_store.write_cell(tmp_path, record(status="failed", method="mixed"))
    with cell_store.write_results(tmp_path).open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == cell_store.COLUMNS
    assert [(r["method"], r["seed"], r["value"]) for r in rows] == [
        ("dns", "2", "0.5"),
        ("dns", "10", "2.5"),
        ("random", "2", "0.5"),
        ("random", "10", "2.5"),
    ]
    assert "".join(cell_store.COLUMNS) == ("datasetbackbonemethodvariantseedsplitmetrickbandvalue")


def test_a_half_written_cell_of_a_killed_process_is_not_read(tmp_path):
    folder = cell_store.write_cell(tmp_path, record(), users=USERS)
    os.makedirs(folder.with_name(f".{folder.name}.1.abc"))
    assert len(cell_store.read_cells(tmp_path)[0]) == 1


def test_numbers_that_json_lacks_become_null(tmp_path):
    folder = cell_store.write_cell(tmp_path, record(float("nan")), users=USERS)
    assert cell_store.read_cell(folder).record["metrics"][0]["value"] is None
