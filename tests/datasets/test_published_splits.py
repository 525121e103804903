"""The splits of published tables: IR-Benchmark's, DENS' and AHNS', on made files and the real."""

import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from negbench.data.download.checksums import checksum_of
from negbench.data.load import load
from negbench.data.readers.ir_benchmark import drawn_for_valid
from negbench.errors import DataError, UserError
from negbench.plugins import registry
from negbench.scenario.splits import split

IR = {
    "ir_health": "amazon2014-health",
    "ir_food": "food",
    "ir_gowalla": "gowalla",
    "ir_ml_100k": "movielens-100k",
}
LISTS = {
    "dens_toy": "dens/toy",
    "dens_baby": "dens/baby",
    "dens_home": "dens/home",
    "ahns_sport": "ahns/sport",
    "ahns_tool": "ahns/tool",
}
HEADER = "user_procid\titem_procid\n"
REAL = {  # users, items, train and valid, test
    "ir_health": (1974, 1200, 37_784, 10_405),
    "ir_food": (5875, 9852, 184_106, 48_932),
    "dens_toy": (4626, 10_083, 44_124, 8666),
    "dens_baby": (4314, 5854, 31_567, 11_090),
    "dens_home": (23_608, 26_188, 178_556, 51_918),
    "ahns_sport": (35_598, 18_357, 236_918, 59_419),
    "ahns_tool": (16_638, 10_217, 107_772, 26_704),
}


def tables(folder: Path, train: str, test: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "train.tsv").write_text(HEADER + train)
    (folder / "test.tsv").write_text(HEADER + test)
    return folder


def lines(lists: list[list[int]]) -> str:
    return "".join(f"{user}\t{item}\n" for user, row in enumerate(lists) for item in row)


@pytest.mark.parametrize("name", IR)
@pytest.mark.parametrize("place", ["ir-benchmark/{}", "{}", "data_iid/{}/proc", "."])
def test_tables_are_read_wherever_they_lie(tmp_path: Path, name: str, place: str) -> None:
    tables(tmp_path / "x" / place.format(IR[name]), "0\t2\n0\t0\n1\t1\n1\t3\n", "0\t1\n1\t4\n")
    data = load(name, data_dir=tmp_path / "x")
    assert (data.n_users, data.n_items, data.order) == (2, 5, "none")
    assert data.users.tolist() == [0, 0, 1, 1, 0, 1] and data.items.tolist() == [2, 0, 1, 3, 1, 4]
    assert data.part is not None and np.bincount(data.part).tolist() == [2, 2, 2]


def test_valid_is_drawn_pair_by_pair_as_the_benchmark_draws_it(tmp_path: Path) -> None:
    lists = [list(range(n)) for n in (1, 9, 10, 19, 20, 31)]
    random.seed(2024 + 3)  # their words: each user's list in turn, max(1, floor(n / 10)) of it
    valid = [sorted(random.sample(row, max(1, int(len(row) * 0.1)))) for row in lists]
    valid[0] = []  # ours: who has one pair keeps it
    home = tables(tmp_path / "food", lines(lists), "0\t40\n")
    data = load("ir_food(fold=3)", data_dir=home)
    assert data.part is not None
    drawn = [sorted(data.items[(data.users == u) & (data.part == 1)].tolist()) for u in range(6)]
    assert drawn == valid and [len(each) for each in drawn] == [0, 1, 1, 1, 2, 3]
    other = load("ir_food", data_dir=home)
    assert other.part is not None and (other.part != data.part).any()
    assert split(data).rule == "files"  # the part is given: no seed of ours draws it


def test_pairs_in_any_order_of_users_are_drawn_from_by_user() -> None:
    users = np.array([1, 0, 1, 0, 1, 2])
    drawn = drawn_for_valid(users, 7)
    assert sorted(users[drawn].tolist()) == [0, 1]


def test_a_fold_below_0_and_a_wrong_table_are_refused(tmp_path: Path) -> None:
    home = tables(tmp_path / "food", "0\t1\n0\t2\n", "0\t3\n")
    with pytest.raises(UserError, match="`fold` must be at least 0; got -1"):
        load("ir_food(fold=-1)", data_dir=home)
    (home / "test.tsv").write_text(HEADER + "0\t-3\n")
    with pytest.raises(DataError, match=r"test\.tsv: ids must count from 0"):
        load("ir_food", data_dir=home)
    (home / "test.tsv").write_text(HEADER)
    with pytest.raises(DataError, match="must hold a pair a line"):
        load("ir_food", data_dir=home)
    (home / "test.tsv").write_text("user\titem\n0\t3\n")
    with pytest.raises(DataError, match="not in the official layout"):
        load("ir_food", data_dir=home)


@pytest.mark.parametrize("name", IR)
def test_an_archive_that_is_not_the_official_one_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / f"{IR[name]}-proc.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("proc/train.tsv", HEADER + "0\t1\n")
    with pytest.raises(DataError, match="is not the official archive"):
        load(name, data_dir=tmp_path)


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_read_wherever_they_lie(tmp_path: Path, name: str) -> None:
    for at, place in enumerate((LISTS[name], "data/" + LISTS[name].split("/")[1], ".")):
        home = tmp_path / str(at)
        (home / place).mkdir(parents=True)
        (home / place / "train.txt").write_text("0 2 1 \n1 0\n")
        (home / place / "test.txt").write_text("0 4\n")
        data = load(name, data_dir=home)
        assert data.items.tolist() == [2, 1, 0, 4] and data.part is not None
        assert data.part.tolist() == [0, 0, 0, 2]
        assert any("differs from the official file" in note for note in data.notes)


@pytest.mark.parametrize("name", [*IR, *LISTS])
def test_every_download_is_pinned_and_verified(name: str) -> None:
    files = registry.load("datasets", name).FILES
    for download in files.downloads:
        assert download.checksum and all("/master/" not in url for url in download.urls)
    assert files.terms == registry.card("datasets", name).terms != ""


@pytest.mark.parametrize("name", REAL)
def test_counts_are_the_published_ones(shared: Path, name: str) -> None:
    data = load(name, data_dir=shared)
    assert data.part is not None
    test = int((data.part == 2).sum())
    assert (data.n_users, data.n_items, len(data) - test, test) == REAL[name]
    words = ("differs", "not verified")
    assert not any(word in note for note in data.notes for word in words)


def test_the_real_table_is_found_in_its_own_folder(shared: Path) -> None:
    home = shared / "ir-benchmark" / "amazon2014-health"
    data = load("ir_health", data_dir=home)
    assert data.part is not None and np.bincount(data.part).tolist() == [34_476, 3308, 10_405]
    assert checksum_of(home / "train.tsv.gz", "sha256", unzipped=True).endswith("a95f01d52")
