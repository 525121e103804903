"""Ids: one spelling an id, none for what is missing, and a word on every change."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from negbench.data.readers.column_roles import Columns
from negbench.data.readers.identifiers import MISSING, BadIds, identifiers
from negbench.data.readers.user_files import read
from negbench.errors import DataError, UserError


def table(path, users, separator=","):
    rows = "".join(f"{user}{separator}i{n}\n" for n, user in enumerate(users))
    path.write_text(f"user{separator}item\n" + rows)
    return path


def users_of(data):
    return data.user_ids[data.users].tolist()


def noted(data, words):
    return any(words in note for note in data.notes)


@pytest.mark.parametrize(
    ("written", "ids", "words"),
    [
        (["1.0", "2.0", "1.0"], ["1", "2", "1"], "1.0 is read as 1"),
        (["1", "2", "1.0"], ["1", "2", "1"], "1.0 is read as 1"),
        (["1", "2", "-3."], ["1", "2", "-3"], "-3. is read as -3"),
        (["100000", "2", "1e+05"], ["100000", "2", "100000"], "1e+05 is read as 100000"),
        (["1", " 1", "1 "], ["1", "1", "1"], "blanks around the user id stripped in 2 rows"),
        (["1", "\u00a01", "1\ufeff"], ["1", "1", "1"], "stripped in 2 rows"),
        (['"a"', "a", '" a"'], ["a", "a", "a"], "stripped in"),
        (["001", "1", "01"], ["001", "1", "01"], ""),
        (["1.5", "1.0"], ["1.5", "1.0"], ""),
        (["x", "1", "1.0"], ["x", "1", "1.0"], "1 pair of user ids differs in spelling alone"),
        (["\u00e9", "e\u0301"], ["\u00e9", "e\u0301"], "differs in spelling alone"),
    ],
)
@pytest.mark.parametrize("separator", [",", "\t"])
def test_one_spelling_an_id_in_a_file(tmp_path, written, ids, words, separator):
    name = "a.csv" if separator == "," else "a.tsv"
    data = read(table(tmp_path / name, written, separator))
    assert users_of(data) == ids
    assert noted(data, words)


@pytest.mark.parametrize("empty", sorted(MISSING) + ["  ", "\u00a0", " NA "])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.inter"])
def test_what_is_missing_is_dropped_and_counted(tmp_path, empty, name):
    separator = "," if name == "a.csv" else "\t"
    path = tmp_path / name
    rows = [("user", "item"), ("a", "x"), (empty, "y"), ("a", empty), ("b", "y")]
    path.write_text("".join(f"{user}{separator}{item}\n" for user, item in rows))
    data = read(path)
    assert users_of(data) == ["a", "b"] and data.item_ids.tolist() == ["x", "y"]
    assert noted(data, "2 of 4 rows dropped: 1 without user, 1 without item")


def test_lists_have_missing_items_too(tmp_path):
    (tmp_path / "a.txt").write_text("1 NULL 3\n2 3\nNA 3\n")
    data = read(tmp_path / "a.txt")
    assert users_of(data) == ["1", "2"] and noted(data, "2 of 4 rows dropped")


def test_a_file_of_missing_ids_holds_nothing(tmp_path):
    with pytest.raises(DataError, match="no row is left"):
        read(table(tmp_path / "a.csv", ["NA", ""]))


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ([1.0, None, 2.0], [1, 2]),
        ([None, "a", "NaN"], ["a"]),
        ([1, 2], [1, 2]),
        ([Decimal("1"), Decimal("2")], [1, 2]),
        ([b"x", b"y"], ["x", "y"]),
        ([1.5, 2.0], [1.5, 2.0]),
    ],
)
def test_parquet_ids_keep_their_type_where_it_is_one(tmp_path, values, ids):
    frame = pd.DataFrame({"user": values, "item": range(len(values))})
    frame.to_parquet(tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet")
    assert data.user_ids.tolist() == ids
    assert noted(data, "dropped") == (len(ids) < len(values))


def test_large_ids_beside_missing_ones_stay_apart(tmp_path):
    ids = [2**53 + 1, None, 2**53]
    frame = pd.DataFrame({"user": pd.array(ids, dtype="Int64"), "item": [1, 2, 3]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").user_ids.tolist() == [2**53 + 1, 2**53]


@pytest.mark.parametrize("written", ["1.23457E+11", "9e+15"])
def test_rounded_ids_are_refused(tmp_path, written):
    with pytest.raises(DataError, match=r"line 3: the user .* is a rounded number; write the ids"):
        read(table(tmp_path / "a.csv", ["7", written]))
    pd.DataFrame({"user": [2.0**60, 1.0], "item": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 1: .*beyond 2\^53"):
        read(tmp_path / "a.parquet")


def test_a_mixed_column_of_a_frame_is_one_id_a_value():
    read_ids = identifiers(pd.Series([1, "1", 1.0, "x", None], dtype=object), "user")
    assert read_ids.values[read_ids.codes[:2]].tolist() == ["1", "1"]
    assert (
        read_ids.missing.tolist() == [False] * 4 + [True] and "several types" in read_ids.notes[0]
    )
    with pytest.raises(BadIds, match="neither text nor a number"):
        identifiers(pd.Series([[1], [2]]), "user")


INDEXED = {
    "named": lambda frame: frame.set_index("user"),
    "both": lambda frame: frame.set_index(["user", "item"]),
    "text": lambda frame: frame.assign(user=["u0", "u1", "u2"]).set_index("user"),
    "range": lambda frame: frame.set_index(pd.RangeIndex(3, name="user")).drop(columns="user"),
}


@pytest.mark.parametrize("kind", INDEXED)
def test_an_index_is_a_column(tmp_path, kind):
    frame = pd.DataFrame({"user": [0, 1, 2], "item": [5, 5, 6], "time": [1, 2, 3]})
    INDEXED[kind](frame).to_parquet(tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet")
    assert data.n_users == 3 and data.item_ids.tolist() == [5, 6] and data.order == "time"


def test_an_index_without_a_name_is_named_by_the_sentence(tmp_path):
    frame = pd.DataFrame({"item": [5, 6]}, index=["a", "b"])
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="no column for the user among item, __index_level_0__"):
        read(tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet", Columns(user="__index_level_0__"))
    assert data.user_ids.tolist() == ["a", "b"]


USERS = [0, 1, 2, 3]
WAYS = {
    "floats": lambda path: table(path.with_suffix(".csv"), [f"{u}.0" for u in USERS]),
    "blanks": lambda path: table(path.with_suffix(".csv"), [f" {u} " for u in USERS]),
    "tabs": lambda path: table(path.with_suffix(".tsv"), USERS, "\t"),
    "whole": lambda path: pd.DataFrame({"user": USERS, "item": list("wxyz")}).to_parquet(
        path.with_suffix(".parquet")
    ),
    "real": lambda path: pd.DataFrame(
        {"user": np.array(USERS, float), "item": list("wxyz")}
    ).to_parquet(path.with_suffix(".parquet")),
    "text": lambda path: pd.DataFrame({"user": list("0123"), "item": list("wxyz")}).to_parquet(
        path.with_suffix(".parquet")
    ),
}


@pytest.mark.parametrize("train", ["plain", *WAYS])
@pytest.mark.parametrize("test", WAYS)
def test_one_id_across_the_files_of_a_split(tmp_path, train, test):
    if train == "plain":
        table(tmp_path / "train.csv", USERS)
    else:
        WAYS[train](tmp_path / "train")
    WAYS[test](tmp_path / "test")
    data = read(tmp_path)
    assert data.n_users == 4 and len({type(each) for each in data.user_ids}) == 1


@pytest.mark.parametrize(
    ("train", "test"), [(["U1", "U2"], ["u1", "u2"]), (["001", "002"], ["1", "2"]),
                        (["x", "1"], ["1.0", "y1"])],
)  # fmt: skip
def test_parts_that_differ_in_spelling_alone_are_refused(tmp_path, train, test):
    table(tmp_path / "train.csv", train)
    table(tmp_path / "test.csv", test)
    with pytest.raises(UserError, match="in spelling alone, as .* of train.csv and .* of test.csv"):
        read(tmp_path)


def test_few_twins_and_parts_without_a_common_id_are_noted(tmp_path):
    table(tmp_path / "train.csv", ["aB", "c", "d", "e"])
    table(tmp_path / "test.csv", ["ab", "c", "d", "e"])
    assert noted(read(tmp_path), "1 of the users of test.csv differ")
    table(tmp_path / "test.csv", ["n", "m"])
    assert noted(read(tmp_path), "none of the users of test.csv is in train.csv")


def test_cells_of_several_ids_are_refused_and_read_by_their_layout(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user,item_id\n1,7 8 9\n2,8 6\n")
    with pytest.raises(DataError, match="line 2: the item '7 8 9' is a list of ids; --layout"):
        read(path)
    data = read(path, Columns(layout="sessions", item="item_id"))
    assert data.item_ids[data.items].tolist() == ["7", "8", "9", "8", "6"]


def test_a_date_is_no_trouble_as_an_id():
    assert identifiers(pd.Series([datetime.date(2020, 1, 1)]), "user").values.shape == (1,)
