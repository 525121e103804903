"""A cell's bits do not depend on where it ran: every method, in every engine."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from helpers.every_method_cell import METHODS, bits, by_method, each_on_its_backbone

FEW = ["dns", "adv_infonce", "shapley"]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """One run of all methods for each engine: its cells by method."""
    home = tmp_path_factory.mktemp("engines")
    each_on_its_backbone(home / "here")
    each_on_its_backbone(home / "workers", jobs=2)
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        for part in "12":
            elsewhere.submit(each_on_its_backbone, home / part, shard=f"{part}/2").result()
    shutil.copytree(home / "1", home / "shards")
    assert 0 < len(by_method(home / "1")) < len(METHODS)
    shutil.copytree(home / "2", home / "shards", dirs_exist_ok=True)
    return {name: by_method(home / name) for name in ("here", "workers", "shards")}


@pytest.mark.parametrize("engine", ["workers", "shards"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_the_same_bits_in_every_engine(engines, engine, name):
    here, there = bits(engines["here"][name]), bits(engines[engine][name])
    assert here.keys() == there.keys() and "users.npz/top" in here and len(here["epochs"]) == 2
    assert [what for what in here if here[what] != there[what]] == []


def test_a_cluster_gives_those_bits_too(engines, tmp_path):
    pytest.importorskip("distributed")
    each_on_its_backbone(tmp_path, FEW, engine="dask", workers=2)
    cells = by_method(tmp_path)
    assert sorted(cells) == sorted(FEW)
    for name, folder in cells.items():
        assert bits(folder) == bits(engines["here"][name])
