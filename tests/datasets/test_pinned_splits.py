"""Splits of papers whose checksums are not all known: MixGCF, Talos, RecZoo and the rest."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.load import load
from negbench.errors import DataError
from negbench.plugins import registry
from negbench.scenario.splits import split

ALL = ("train.txt", "valid.txt", "test.txt")
PAIRS = {
    "mixgcf_alibaba": ("mixgcf/ali", "MixGCF/data/ali", ALL),
    "mixgcf_amazon": ("mixgcf/amazon", "data/amazon", ALL),
    "talos_beauty": (
        "talos/Beauty",
        "normal_data/IID_Data_Used/Beauty",
        ("train_data.txt", "valid_data.txt", "test.txt"),
    ),
}
LISTS = {
    "ahns_ml": "ahns/ml",
    "ahns_phone": "AHNS/data/phone",
    "dens_beauty": "dens/beauty",
    "dens_lastfm": "DENS/data/lastfm",
    "reczoo_amazon_beauty": "reczoo/AmazonBeauty_m1",
    "reczoo_amazon_cds": "AmazonCDs_m1",
}
TABLES = {
    "ir_beauty": "data/amazon2014-beauty/proc",
    "ir_cd": "ir-benchmark/amazon2014-cd",
    "ir_cd_popularity": "data_ood/amazon2014-cd-popularity/proc",
    "ir_electronic": "amazon2014-electronic",
    "ir_movie": "IR-Benchmark-Dataset/data_iid/amazon2014-movie/proc",
}
HEADER = "user_procid\titem_procid\n"
VERIFIED = {"ahns_ml", "reczoo_amazon_beauty", "reczoo_amazon_cds"}
BY_BRANCH = {"mixgcf_alibaba", "mixgcf_amazon"}
"""Of whose commit no full hash is known."""


def files(folder: Path, **texts: str) -> Path:
    """A folder with these files; `test__txt` stands for test.txt."""
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def three(folder: Path, name: str, *texts: str) -> Path:
    """A folder with the three files of a set of pairs."""
    names = (each.replace(".", "__") for each in PAIRS[name][2])
    return files(folder, **dict(zip(names, texts, strict=True)))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("place", [0, 1, "."])
def test_three_files_of_pairs_are_read_wherever_they_lie(
    tmp_path: Path, name: str, place: int | str
) -> None:
    """Users 0 to 2, the last of them in test alone; MixGCF's items are the nodes from 3 on."""
    at = PAIRS[name][place] if isinstance(place, int) else place
    far = 3 if name.startswith("mixgcf") else 0
    texts = [
        "".join(f"{user} {item + far}\n" for user, item in pairs)
        for pairs in ([(0, 1), (0, 0), (1, 2)], [(0, 2)], [(1, 4), (2, 0)])
    ]
    three(tmp_path / "x" / str(at), name, *texts)
    data = load(name, data_dir=tmp_path / "x")
    assert (data.n_users, data.n_items, data.order) == (3, 5, "none")
    assert data.users.tolist() == [0, 0, 1, 0, 1, 2] and data.items.tolist() == [1, 0, 2, 2, 4, 0]
    assert data.part is not None and data.part.tolist() == [0, 0, 0, 1, 2, 2]
    assert split(data).rule == "files"  # the valid part is the authors': no seed of ours draws it
    assert any("not verified" in note for note in data.notes)


ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), min_size=1, max_size=12)


@given(parts=st.tuples(ROWS, ROWS, ROWS))
def test_a_pair_stands_in_the_first_part_that_has_it(
    tmp_path_factory: pytest.TempPathFactory, parts: tuple[list[tuple[int, int]], ...]
) -> None:
    home = tmp_path_factory.mktemp("parts")
    n_users = 1 + max(user for rows in parts for user, _ in rows)
    texts = ["".join(f"{u}\t{i + n_users}\n" for u, i in rows) for rows in parts]
    three(home / "ali", "mixgcf_alibaba", *texts)
    first: dict[tuple[int, int], int] = {}
    for part, rows in enumerate(parts):
        for pair in rows:
            first.setdefault(pair, part)
    data = load("mixgcf_alibaba", data_dir=home / "ali")
    assert data.part is not None and data.n_users == n_users
    seen = zip(data.users.tolist(), data.items.tolist(), data.part.tolist(), strict=True)
    assert {(u, i): part for u, i, part in seen} == first and len(data) == len(first)


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        ("0 3\n1 4 5\n", r"train_data\.txt, line 2: must hold a user and an item; it holds 3"),
        ("0 3\n\n1\n", r"train_data\.txt, line 3: must hold a user and an item; it holds 1"),
        ("0 3.5\n", r"train_data\.txt, line 1: '3\.5' must be a number"),
        ("", r"train_data\.txt must hold a pair a line; it holds none"),
        ("0 99999999\n", "ids must count from 0; got 99999999"),
    ],
)
def test_a_line_that_is_no_pair_is_refused(tmp_path: Path, train: str, sentence: str) -> None:
    home = three(tmp_path / "x", "talos_beauty", train, "0 1\n", "1 2\n")
    with pytest.raises(DataError, match=sentence):
        load("talos_beauty", data_dir=home)


def test_items_among_the_users_are_refused(tmp_path: Path) -> None:
    home = three(tmp_path / "x", "mixgcf_amazon", "0 3\n", "1 4\n", "2 2\n")
    with pytest.raises(DataError, match="items must follow those of the 3 users; got item 2"):
        load("mixgcf_amazon", data_dir=home)


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_read_and_compared_where_a_checksum_is_known(tmp_path: Path, name: str) -> None:
    files(tmp_path / "x" / LISTS[name], train__txt="0 2 1 2\n1 0\n", test__txt="0 4 1\n")
    data = load(name, data_dir=tmp_path / "x")
    assert data.users.tolist() == [0, 0, 1, 0] and data.items.tolist() == [2, 1, 0, 4]
    assert data.part is not None and data.part.tolist() == [0, 0, 0, 2]
    assert any("1 pair of test is in train too" in note for note in data.notes)
    words = "differs from the official file" if name in VERIFIED else "not verified"
    assert any(words in note for note in data.notes)


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_and_noted_as_not_verified(tmp_path: Path, name: str) -> None:
    train = HEADER + "0\t2\n0\t0\n1\t1\n1\t3\n"
    home = files(tmp_path / "x" / TABLES[name], train__tsv=train, test__tsv=HEADER + "1\t4\n")
    data = load(name, data_dir=tmp_path / "x")
    assert (data.n_users, data.n_items, len(data)) == (2, 5, 5)
    valid = 0 if name == "ir_cd_popularity" else 2  # under the shift there is no valid part
    assert data.part is not None and int((data.part == 1).sum()) == valid
    assert any("not verified" in note for note in data.notes)
    (home / "test.tsv").write_text("user\titem\n1\t4\n")
    with pytest.raises(DataError, match="not in the official layout"):
        load(name, data_dir=tmp_path / "x")


@pytest.mark.parametrize("name", TABLES)
def test_an_archive_at_hand_is_read_and_noted_as_not_verified(tmp_path: Path, name: str) -> None:
    (download,) = registry.load("datasets", name).FILES.downloads
    with zipfile.ZipFile(tmp_path / download.name, "w") as packed:
        packed.writestr("proc/train.tsv", HEADER + "0\t1\n0\t2\n")
        packed.writestr("proc/test.tsv", HEADER + "0\t3\n")
    data = load(name, data_dir=tmp_path)
    assert len(data) == 3 and any("it was not verified" in note for note in data.notes)


@pytest.mark.parametrize("name", [*PAIRS, *LISTS, *TABLES])
def test_what_is_not_pinned_or_not_verified_is_written_down(name: str) -> None:
    """An address has a full commit or a checksum; what has no checksum is said by its page."""
    module = registry.load("datasets", name)
    assert module.FILES.terms == registry.card("datasets", name).terms != ""
    for download in module.FILES.downloads:
        assert bool(download.checksum) == (name in VERIFIED)
        pinned = all(re.search(r"/[0-9a-f]{40}/", url) for url in download.urls)
        assert pinned or name in VERIFIED | BY_BRANCH
    assert ("No checksum" in module.__doc__) == (name not in VERIFIED)


def test_movielens_of_ahns_is_the_whole_of_movielens_1m(shared: Path) -> None:
    data = load("ahns_ml", data_dir=shared)
    assert data.part is not None and np.bincount(data.part).tolist() == [800_005, 0, 200_204]
    assert (data.n_users, data.n_items) == (6040, 3706)
    assert not any(word in note for note in data.notes for word in ("differs", "not verified"))
