"""Whatever a file holds, reading it is a right answer or one sentence: never a traceback.

The same examples each time; NEGBENCH_FUZZ=5000 pytest tests/data/readers/test_fuzz.py tries as
many new ones of each kind.
"""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.hostile_bytes import EDITS, PIECES, QUIET, edited
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.download.archives import unpack
from negbench.data.interactions import Interactions
from negbench.data.readers.user_files import read
from negbench.errors import DataError, UserError
from negbench.scenario.splits import split

SEEDS = {
    "a.csv": b"user,item,rating,time\na,x,5,10\na,y,3,11\nb,x,4,12\nb,z,1,13\nc,y,2,14\n",
    "a.tsv": b"user\titem\ttime\na\tx\t2020-01-01\nb\tx\t2020-01-02\nb\ty\t2021-05-05\n",
    "a.inter": b"user_id:token\titem_id:token\ttimestamp:float\n1\t2\t3.5\n2\t2\t4.5\n",
    "a.dat": b"1::2::5::100\n1::3::4::101\n2::2::3::102\n2::4::1::103\n",
    "a.txt": b"0 5 6 7\n1 5 8\n2 6\n",
    "a.data": b"1\t2\t5\t100\n1\t3\t4\t101\n2\t2\t3\t102\n",
}


def reads(path: Path) -> Interactions | None:
    """The data, checked; or None where the reader refuses in one sentence."""
    try:
        data = read(path)
    except UserError as error:
        text = str(error)
        assert text and "\n" not in text and str(path.parent) in text or path.stem in text
        return None
    assert len(data) and data.users.max() < data.n_users and data.items.max() < data.n_items
    assert data.users.min() == data.items.min() == 0
    keys = data.users * data.n_items + data.items
    assert len(np.unique(keys)) == len(keys)
    assert data.times is None or np.isfinite(data.times).all()
    try:
        parts = split(data, "random")
        assert len(parts.train) + len(parts.valid) + len(parts.test) == len(data)
    except UserError:
        pass
    return data


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_themselves_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SEEDS[name])
    assert reads(path) is not None


@pytest.mark.parametrize("name", SEEDS)
@QUIET
@given(edits=EDITS)
def test_edited_files(tmp_path, name, edits):
    path = tmp_path / name
    path.write_bytes(edited(SEEDS[name], edits))
    reads(path)


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.parquet"])
@QUIET
@given(blob=st.binary(max_size=200))
def test_any_bytes(tmp_path, name, blob):
    path = tmp_path / name
    path.write_bytes(blob)
    reads(path)


@QUIET
@given(at=st.floats(0, 1), flips=st.lists(st.integers(0, 255), max_size=3))
def test_damaged_gzip(tmp_path, at, flips):
    blob = bytearray(gzip.compress(SEEDS["a.csv"] * 1, mtime=0))
    for flip in flips:
        blob[flip % len(blob)] ^= 1 + flip % 255
    path = tmp_path / "a.csv.gz"
    path.write_bytes(bytes(blob[: int(at * len(blob)) + 1]))
    reads(path)


@QUIET
@given(at=st.floats(0, 1), piece=st.sampled_from(PIECES))
def test_damaged_parquet(tmp_path, at, piece):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    pd.DataFrame({"user": list("aab"), "item": list("xyx")}).to_parquet(path)
    blob = path.read_bytes()
    start = int(at * len(blob))
    path.write_bytes(blob[:start] + piece + blob[start + len(piece) :])
    reads(path)


@pytest.mark.parametrize(
    "frame",
    [
        {"user": [1.0, 2.0], "item": [3.0, 4.0]},
        {"user": [True, False], "item": [1, 2]},
        {"user": [None, "a"], "item": ["x", "y"]},
        {"user": [1, 2], "item": [b"x", b"y"]},
        {"user": [1.5, 2.5], "item": [float("nan"), 1]},
        {"user": [], "item": []},
        {"user": [[1], [2]], "item": [1, 2]},
    ],
)
def test_odd_parquet_columns(tmp_path, frame):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    pd.DataFrame(frame).to_parquet(path)
    reads(path)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@QUIET
@given(edits=EDITS)
def test_edited_archives_leave_nothing_and_nothing_outside(tmp_path, kind, edits):
    place = tmp_path / kind
    shutil.rmtree(place, ignore_errors=True)
    (place / "in").mkdir(parents=True)
    (place / "in" / "a.csv").write_bytes(SEEDS["a.csv"] * 50)
    form = {"zip": "zip", "tar.gz": "gztar"}[kind]
    archive = Path(shutil.make_archive(str(place / "made"), form, place / "in"))
    archive.write_bytes(edited(archive.read_bytes(), edits))
    try:
        unpack(archive, place / "out", limit=1 << 20)
    except DataError as error:
        assert "\n" not in str(error) and not (place / "out").exists()
    assert {each.name for each in place.iterdir()} <= {"in", "out", archive.name}


def test_a_line_of_ten_megabytes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"user,item\na," + b"x" * 10_000_000 + b"\nb,y\n")
    data = reads(path)
    assert data is not None and len(data) == 2


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
def test_ten_megabytes_where_no_reader_expects_them(tmp_path, name):
    path = tmp_path / name
    for blob in (
        b"x" * 10_000_000 + b",\t" + SEEDS[name],
        SEEDS[name] * 900 + b"9 " + b"7" * 10**7,
    ):
        path.write_bytes(blob)
        reads(path)


def test_a_million_copies_of_a_pair(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"user,item\n" + b"a,x\n" * 1_000_000 + b"b,y\n")
    data = reads(path)
    assert data is not None and len(data) == 2


@pytest.mark.parametrize("rows", [["a,x"], ["a,x", "a,y"], ["a,x", "b,x"]])
def test_the_smallest_data(tmp_path, rows):
    path = tmp_path / "a.csv"
    path.write_text("user,item\n" + "\n".join(rows) + "\n")
    assert reads(path) is not None


def test_a_user_who_has_everything_trains(tmp_path):
    from helpers.small_runs import go

    path = tmp_path / "full.csv"
    lines = [f"all,{i}" for i in range(12)]
    lines += [f"u{u},{(u + i) % 12}" for u in range(9) for i in range(5)]
    path.write_text("user,item\n" + "\n".join(lines) + "\n")
    result = go(
        tmp_path / "run", datasets=[str(path)], methods="random,dns,popularity,mixed", seeds=1,
        split="random(0.8,0.1,0.1)",
    )  # fmt: skip
    assert result.done == 4 and not result.failed
