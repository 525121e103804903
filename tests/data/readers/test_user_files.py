"""User files: every format, identifiers unchanged, a line number for invalid rows."""

import builtins
import gzip
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from negbench.data.interactions import Interactions
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.user_files import read
from negbench.errors import DataError, UserError

PAIRS = [("bob", "x"), ("ann", "y"), ("bob", "y"), ("ann", "z")]


def write(path: Path, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def pairs(data: Interactions) -> list[tuple[object, object]]:
    assert data.user_ids is not None and data.item_ids is not None
    users, items = data.user_ids[data.users], data.item_ids[data.items]
    return list(zip(users.tolist(), items.tolist(), strict=True))


def noted(data: Interactions, words: str) -> bool:
    return any(words in note for note in data.notes)


TABLES: Mapping[str, str] = {
    "a.csv": "user_id,item_id\nbob,x\nann,y\nbob,y\nann,z\n",
    "b.csv.gz": "user_id,item_id\nbob,x\nann,y\nbob,y\nann,z\n",
    "bom.csv": "\ufeffuser_id,item_id\nbob,x\nann,y\nbob,y\nann,z\n",
    "crlf.csv": "user_id,item_id\r\nbob,x\r\nann,y\r\nbob,y\r\nann,z\r\n",
    "blank.csv": "\nuser_id,item_id\n\nbob,x\nann,y\n\nbob,y\nann,z\n\n",
    "quotes.csv": 'uid,sku,why\n"bob",x,"a, b"\nann,y,\nbob,y,"two\nlines"\nann,"z",\n',
    "semicolon.csv": "userId;movieId\nbob;x\nann;y\nbob;y\nann;z\n",
    "c.tsv": 'uid\tasin\ttitle\nbob\tx\t5" disc\nann\ty\tt\nbob\ty\tt\nann\tz\tt\n',
    "d.inter": "user_id:token\titem_id:token\nbob\tx\nann\ty\nbob\ty\nann\tz\n",
    "e.txt": "bob x y\nann y z\n",
    "f.txt.gz": "bob x y \n\nann y z\n",
    "g.txt": "bob\tx\nann\ty\nbob\ty\nann\tz\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_every_form_gives_the_same_pairs(tmp_path: Path, name: str) -> None:
    columns = Columns(user="1", item="2") if name == "g.txt" else None
    data = read(write(tmp_path / name, TABLES[name]), columns)
    assert sorted(pairs(data)) == sorted(PAIRS)
    assert data.user_ids is not None and data.user_ids.tolist() == ["bob", "ann"]
    assert (data.n_users, data.n_items, data.order) == (2, 3, "none")
    assert noted(data, "columns") or noted(data, "lists")


def test_guesses_are_in_the_notes(tmp_path: Path) -> None:
    data = read(write(tmp_path / "a.csv", "uid,sku,ts,n\na,x,5,1\n"))
    assert (
        "columns user=uid item=sku time=ts (user, item, time guessed from the header)" in data.notes
    )


def test_given_columns_win(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user_id,friend,item_id,time\na,b,x,5\n")
    assert pairs(read(path, Columns(user="friend"))) == [("b", "x")]


@pytest.mark.parametrize("ids", [["1.0", "1", "01"], ["é", "日本", "a b"]])
def test_identifiers_are_kept_to_the_letter(tmp_path: Path, ids: list[str]) -> None:
    path = write(tmp_path / "a.csv", "user,item\n" + "".join(f"{each},{each}\n" for each in ids))
    assert pairs(read(path)) == [(each, each) for each in ids]


def test_parquet_keeps_types_and_reads_dates(tmp_path: Path) -> None:
    when = pd.to_datetime(["2020-01-02", "2020-01-01"])
    frame = pd.DataFrame({"user_id": [7, 9], "item_id": ["x", "y"], "timestamp": when})
    frame.to_parquet(tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet")
    assert pairs(data) == [(7, "x"), (9, "y")]
    assert data.times is not None and data.times.tolist() == [1577923200.0, 1577836800.0]
    frame.loc[1, "item_id"] = None
    frame.to_parquet(tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet")
    assert pairs(data) == [(7, "x")] and noted(data, "1 of 2 rows dropped: 1 without item")


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'negbench\[parquet\]'"):
        read(write(tmp_path / "a.parquet", b"PAR1"))


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("881250949", 881250949.0),
        ("1577836800000", 1577836800.0),
        ("2020-01-01", 1577836800.0),
        ("2020-01-01T01:00:00+01:00", 1577836800.0),
        ("2020-01-01 00:00:00.5", 1577836800.5),
    ],
)
def test_times_become_seconds(tmp_path: Path, stamp: str, seconds: float) -> None:
    data = read(write(tmp_path / "a.csv", f"user,item,time\na,x,{stamp}\n"))
    assert data.times is not None and data.times.tolist() == [seconds]
    assert data.order == "time"


def test_repeats_are_dropped_keeping_the_earliest(tmp_path: Path) -> None:
    data = read(write(tmp_path / "a.csv", "user,item,time\na,x,9\na,y,5\na,x,3\na,x,3\n"))
    assert pairs(data) == [("a", "y"), ("a", "x")]
    assert data.times is not None and data.times.tolist() == [5.0, 3.0]
    assert noted(data, "2 repeated (user, item) rows dropped, the earliest kept")


def test_repeats_without_times_keep_the_first(tmp_path: Path) -> None:
    data = read(write(tmp_path / "a.csv", "user,item\na,x\na,y\na,x\n"))
    assert pairs(data) == [("a", "x"), ("a", "y")]
    assert noted(data, "1 repeated (user, item) rows dropped, the first kept")


def test_ratings_are_a_threshold_or_noted_as_ignored(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user,item,rating\na,x,5\nb,y,3.5\nc,z,4\n")
    kept = read(path, Columns(min_rating=4))
    assert pairs(kept) == [("a", "x"), ("c", "z")] and kept.n_users == 2
    assert noted(kept, "1 of 3 rows rated below 4 dropped")
    assert noted(read(path), "every row counts as liked, one rated 3.5 like one rated 5")
    with pytest.raises(DataError, match="no interaction is left"):
        read(path, Columns(min_rating=9))


@pytest.mark.parametrize("rating", ["", "good", "nan"])
def test_a_rating_that_no_one_asked_for_may_be_anything(tmp_path: Path, rating: str) -> None:
    path = write(tmp_path / "a.csv", f"user,item,rating\na,x,5\nb,y,{rating}\n")
    assert pairs(read(path)) == [("a", "x"), ("b", "y")]
    assert noted(read(path), "1 row without a rating")
    with pytest.raises(DataError, match=f"line 3: the rating '{rating}'"):
        read(path, Columns(min_rating=1))


def test_numbers_without_header_by_custom(tmp_path: Path) -> None:
    sasrec = read(write(tmp_path / "a.txt", "1 7\n1 8\n2 7\n"))
    assert pairs(sasrec) == [("1", "7"), ("1", "8"), ("2", "7")] and sasrec.order == "none"
    movielens = read(write(tmp_path / "u.data", "196\t242\t3\t881250949\n"))
    assert pairs(movielens) == [("196", "242")]
    assert noted(movielens, "user item rating time")
    films = read(write(tmp_path / "ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n"))
    assert pairs(films) == [("1", "1193"), ("1", "661")] and films.order == "time"


def test_positions_are_given_for_files_without_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "5,bob,x\n3,ann,y\n")
    data = read(path, Columns(user="2", item="3", rating="1", min_rating=4))
    assert pairs(data) == [("bob", "x")]


def test_folder_of_parts(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "user,item\na,x\na,y\nb,x\n")
    write(tmp_path / "valid.csv.gz", "user,item\nb,y\n")
    write(tmp_path / "test.csv", "user,item\na,z\na,x\n")
    data = read(tmp_path)
    assert pairs(data) == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("a", "z")]
    assert data.part is not None and data.part.tolist() == [0, 0, 0, 1, 2]
    # (a, x) of test is in train already: a leak of the split, and no repeated row.
    assert noted(data, "1 pair of test is in train too and kept in train alone")
    assert not noted(data, "repeated")


def test_folder_of_lists(tmp_path: Path) -> None:
    write(tmp_path / "train.txt", "0 5 6\n1 5\n")
    write(tmp_path / "test.txt", "0 7\n1\n")
    data = read(tmp_path)
    assert data.part is not None and data.part.tolist() == [0, 0, 0, 2]
    (tmp_path / "train.txt").unlink()
    with pytest.raises(DataError, match="there is no train file"):
        read(tmp_path)


BAD: Mapping[str, tuple[str, str]] = {
    "long.csv": ("user,item\na,x\nb,y,z\n", "line 3: 3 fields where 2"),
    "short.csv": ("user,item\na,x\n\nb\n", "line 4: 1 fields where 2"),
    "time.csv": ("user,item,time\na,x,5\nb,y,soon\n", "line 3: the time 'soon'"),
    "date.csv": ("user,item,date\na,x,2020-01-01\nb,y,2020-13-01\n", "line 3: the time '2020-13"),
    "quoted.csv": ('user,item,why,ts\na,x,"1\n2",5\nb,y,3,z\n', "line 4: the time 'z' is not"),
    "colons.dat": ("1::2::3::4\n1::2::3\n", "line 2: .*(3 fields|time is missing)"),
    "open.csv": ('user,item\na,"x\nb,y\n', "quote|fields|EOF|missing"),
    "empty.csv": ("", "is empty"),
    "blank.csv": ("\n\n", "is empty"),
    "header.csv": ("user,item\n", "no rows"),
    "one.csv": ("user\na\n", "one column"),
    "latin.csv": ("user,item\né,x\n", "UTF-8|utf-8"),
    "broken.csv.gz": ("", "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_named_with_their_line(tmp_path: Path, name: str) -> None:
    text, reason = BAD[name]
    path = write(tmp_path / name, text.encode("latin-1"))
    if name == "broken.csv.gz":
        path.write_bytes(gzip.compress(b"user,item\n" + b"a,x\n" * 999)[:-20])
    with pytest.raises(DataError, match=reason) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


DOUBTFUL: Mapping[str, tuple[str, str]] = {
    "none.csv": ("who,item\na,x\n", "no column for the user among who, item; .*--user"),
    "two.csv": ("user,uid,item\na,b,x\n", "user and uid could each be the user"),
    "three.csv": ("1,2,3\n", "no header and 3 columns"),
    "doubt.txt": ("1 2 5\n1 3 4\n", "may be columns, lists or sequences"),
    "a.json": ("{}", "must end in"),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_nothing_is_guessed_silently(tmp_path: Path, name: str) -> None:
    text, reason = DOUBTFUL[name]
    with pytest.raises(UserError, match=reason):
        read(write(tmp_path / name, text))


def test_given_columns_must_exist(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user,item\na,x\n")
    with pytest.raises(UserError, match="--time when must name a column; there are user, item"):
        read(path, Columns(time="when"))
    with pytest.raises(UserError, match="--min-rating 4 needs a column of ratings"):
        read(path, Columns(min_rating=4))


def test_a_million_rows_in_seconds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 1_000_000
    frame = pd.DataFrame(
        {
            "user_id": rng.integers(0, 50_000, n),
            "item_id": rng.integers(0, 20_000, n),
            "rating": rng.integers(1, 6, n),
            "timestamp": rng.integers(10**9, 2 * 10**9, n),
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    start = time.process_time()
    data = read(tmp_path / "a.csv")
    assert time.process_time() - start < 10
    assert len(data) == len(frame.drop_duplicates(["user_id", "item_id"]))
