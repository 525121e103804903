"""What a cell reads beside pairs: changed texts or known negatives are refused where it did."""

import json
import shutil

import numpy as np
import pytest
from helpers.small_runs import go

from negbench.errors import UserError
from negbench.experiment.cell.spec import CellSpec
from negbench.storage import cell_store
from negbench.texts import encoders

FILM = "{}|Film {} (1995)|01-Jan-1995||x|" + "|".join("0" * 19) + "\n"
QUICK = {"datasets": "ml_100k", "methods": "random", "seeds": 1, "epochs": 1, "dim": 4}
REFUSED = "the texts of items in .* have changed since then"


@pytest.fixture
def data_dir(tmp_path):
    """Twelve users and fourteen films with titles, in the files of ml_100k."""
    rows = (f"{u}\t{1 + (u + i) % 14}\t5\t{u + 20 * i}\n" for u in range(12) for i in range(7))
    (tmp_path / "u.data").write_text("".join(rows))
    (tmp_path / "u.item").write_text("".join(FILM.format(i, i) for i in range(1, 15)))
    return tmp_path


def rename(data_dir):
    titles = data_dir / "u.item"
    titles.write_text(titles.read_text().replace("Film 7", "Movie 7"))


def train(data_dir, out, **more):
    return go(data_dir / out, **QUICK, data_dir=str(data_dir), **more)


def test_changed_texts_are_refused_where_a_method_read_them(data_dir):
    train(data_dir, "out")
    cell = next((data_dir / "out" / "cells").iterdir())
    record = json.loads((cell / "cell.json").read_text())
    scenario = CellSpec("ml_100k", "mf", "random").scenario_key.prepare(str(data_dir))
    texts = encoders.vectors_identity("tfidf", scenario.interactions.item_texts)
    spec = {**record["spec"], "method": "reader", "texts": texts}
    copy = cell.parent / cell_store.digest(spec)
    shutil.copytree(cell, copy)
    (copy / "cell.json").write_text(json.dumps({**record, "spec": spec}))
    assert train(data_dir, "out").done == 1
    rename(data_dir)
    with pytest.raises(UserError, match=REFUSED):
        train(data_dir, "out")


def test_changed_texts_are_refused_where_the_backbone_read_them(data_dir):
    for reads in ("true", "false"):
        assert train(data_dir, reads, backbones=f"two_tower(texts={reads})").done == 1
    rename(data_dir)
    assert train(data_dir, "false", backbones="two_tower(texts=false)").done == 1
    with pytest.raises(UserError, match=REFUSED):
        train(data_dir, "true", backbones="two_tower(texts=true)")


def test_vectors_of_data_without_texts_are_part_of_the_cell_where_the_backbone_reads_them(tmp_path):
    pairs = "".join(f"{user},{(user + n) % 7}\n" for user in range(20) for n in range(5))
    (tmp_path / "my.csv").write_text("user,item\n" + pairs)
    cells = []
    for value in (0.0, 1.0, None):
        np.save(tmp_path / "v.npy", np.full((7, 3), value or 0.0, np.float32))
        encoder = "tfidf" if value is None else str(tmp_path / "v.npy")
        spec = CellSpec(str(tmp_path / "my.csv"), "two_tower", "random", encoder=encoder)
        cells.append(spec.resolve(spec.scenario_key.prepare()))
    first, edited, without = (cell_store.digest(each) for each in cells)
    assert len({first, edited, without}) == 3 and "texts" not in cells[2]


def test_changed_known_negatives_are_refused_where_a_method_drew_them(tmp_path):
    """A pair rated too low is no pair of the data: its checksum stays."""
    path = tmp_path / "shop.csv"
    rows = (
        f"u{u},i{(u + i) % 14},{u + 20 * i},{1 + (u + i) % 5}\n"
        for u in range(12)
        for i in range(9)
    )
    path.write_text("user,item,time,rating\n" + "".join(rows))
    asked = {"datasets": [str(path)], "min_rating": 4, "seeds": 1, "epochs": 1, "dim": 4}
    for method in ("exposed", "random"):
        assert go(tmp_path / method, methods=method, **asked).done == 1
    with path.open("a") as file:
        file.write("u0,i13,0,1\n")
    assert go(tmp_path / "random", methods="random", **asked).done == 1
    with pytest.raises(UserError, match="rated too low in .* have changed since then"):
        go(tmp_path / "exposed", methods="exposed", **asked)
