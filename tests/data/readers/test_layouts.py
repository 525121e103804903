"""Layouts of text files: read right, or refused by a sentence whose advice loses no row."""

import gzip
import re

import pandas as pd
import pytest

from negbench.data.fold_in import FOLD_IN
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.user_files import read
from negbench.errors import UserError
from negbench.scenario.splits import split


def write(path, text):
    blob = text.encode()
    path.write_bytes(gzip.compress(blob) if path.suffix.lower() == ".gz" else blob)
    return path


def pairs(data):
    users, items = data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist()
    return list(zip(users, items, strict=True))


def noted(data, words):
    return any(words in note for note in data.notes)


def asked(sentence):
    """The options of the first piece of advice in a sentence."""
    flags = re.search(r"(--[a-z]+ [^ ,;]+( --[a-z]+ [^ ,;]+)*)", sentence)
    assert flags, sentence
    words = flags.group(1).split()
    return Columns(**{k[2:]: v for k, v in zip(words[::2], words[1::2], strict=True)})


GRID = [(u, i) for u in range(4) for i in (5, 6, 7)]
SPACED = {
    3: lambda u, i: f"{u} {i} 5",
    4: lambda u, i: f"{u} {i} 5 {1600000000 + u}",
    5: lambda u, i: f"{u} {i} 77 3 {1600000000 + i}",
    6: lambda u, i: f"{u} {i} a b c d",
}


@pytest.mark.parametrize("width", SPACED)
@pytest.mark.parametrize("header", [False, True])
def test_spaced_columns_are_refused_and_the_advice_reads_every_row(tmp_path, width, header):
    lines = [SPACED[width](u, i) for u, i in GRID]
    first = ["who what third fourth fifth sixth".rsplit(None, 6 - width)[0]] if header else []
    path = write(tmp_path / "a.txt", "\n".join(first + lines) + "\n")
    with pytest.raises(UserError, match="--layout pairs") as caught:
        read(path)
    data = read(path, asked(str(caught.value)))
    assert pairs(data) == [(str(u), str(i)) for u, i in GRID]


def test_users_that_come_once_do_not_hide_stamps_or_ratings(tmp_path):
    stamps = "\n".join(f"{u} {u + 3} {1600000000 + u}" for u in range(5))
    with pytest.raises(UserError, match="every line has 3 words"):
        read(write(tmp_path / "a.txt", stamps))
    ratings = "\n".join(f"{u} {u + 30} {u % 5 + 1}" for u in range(40))
    with pytest.raises(UserError, match="every line has 3 words"):
        read(write(tmp_path / "b.txt", ratings))
    data = read(write(tmp_path / "c.txt", "0 30 31\n1 31 32\n2 33 30\n"))
    assert len(data) == 6 and noted(data, "read as lists")


def test_spaced_columns_with_usual_names_are_a_table(tmp_path):
    text = "user_id item_id rating time\n1 7 5 100\n1 8 4 90\n"
    data = read(write(tmp_path / "a.txt", text))
    assert pairs(data) == [("1", "7"), ("1", "8")] and data.times.tolist() == [100, 90]
    inter = read(write(tmp_path / "a.inter", "user_id:token item_id:token\n1 7\n"))
    assert pairs(inter) == [("1", "7")]


@pytest.mark.parametrize("separator", ["\t", ",", ";", "|", " "])
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.tsv", "a.dat"])
def test_lists_and_sequences_by_name_with_any_separator(tmp_path, separator, name):
    lines = [["10", "13", "14", "3"], ["10", "2", "5"], ["13", "3"]]
    path = write(tmp_path / name, "\n".join(separator.join(line) for line in lines) + "\n")
    lists = read(path, Columns(layout="lists"))
    assert pairs(lists) == [(line[0], item) for line in lines for item in line[1:]]
    assert lists.order == "none" and noted(lists, "read as lists")
    sequences = read(path, Columns(layout="sequences"))
    assert pairs(sequences) == [(str(n), item) for n, line in enumerate(lines, 1) for item in line]
    assert sequences.order == "rows" and noted(sequences, "read as sequences")


@pytest.mark.parametrize(
    "text",
    [
        "10 13 14 3\n10 2 5\n13 3\n",  # first words come back
        "13 10 14 3\n10 13 5\n5 10 13 14 10\n",  # first words are items
        "a\tb\tc\nb\ta\n",
        "1\t5\t6\n2\t5\n3\t6\t7\t8\n",
        "1\t5\t6\t7\n2\t5\t9\t8\n",
        "1,5,6,7\n2,5,9,8\n",
    ],
)
def test_what_may_be_lists_or_sequences_is_asked(tmp_path, text):
    with pytest.raises(UserError, match="--layout lists"):
        read(write(tmp_path / "a.txt", text))


def test_lines_of_python_lists_are_sequences(tmp_path):
    data = read(write(tmp_path / "a.txt", '[1, 2, "3"]\n[2, 5]\n'), Columns(layout="sequences"))
    assert pairs(data) == [("1", "1"), ("1", "2"), ("1", "3"), ("2", "2"), ("2", "5")]


def test_lines_that_are_no_lists_are_refused(tmp_path):
    for text, words in (
        ("# a comment\n1 2\n", "comment"),
        ("1 5:1.0 6:2.0\n2 5:3.0\n", "each item has a value, as 5:1.0"),
    ):
        with pytest.raises(UserError, match=words):
            read(write(tmp_path / "a.txt", text))
    path = write(tmp_path / "a.csv", "user_id,item_id\n1,2\n")
    with pytest.raises(UserError, match="first line names columns"):
        read(path, Columns(layout="lists"))
    with pytest.raises(UserError, match="--user names none"):
        read(write(tmp_path / "b.csv", "1,2\n"), Columns(layout="sequences", user="1"))


@pytest.mark.parametrize("ends", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("name", ["a.txt", "a.csv"])
def test_any_line_ends(tmp_path, ends, name):
    lines = ["0 10 11", "1 11 12", "2 12 13"]
    if name == "a.csv":
        lines = ["user,item", "0,10", "0,11", "1,11", "1,12", "2,12", "2,13"]
    data = read(write(tmp_path / name, ends.join(lines) + ends))
    assert pairs(data) == [(str(u), str(10 + u + k)) for u in range(3) for k in range(2)]


@pytest.mark.parametrize("name", ["A.CSV", "b.Csv.GZ", "ratings (1).csv", "a,b.csv", "[x] y.csv"])
def test_any_file_name_and_case_of_its_ending(tmp_path, name):
    data = read(write(tmp_path / name, "user,item\na,x\n"))
    assert pairs(data) == [("a", "x")] and data.name == name.split(".")[0]


SESSIONS = {
    "x.train.inter": [("0", "1", "2"), ("0", "1 2", "3"), ("1", "5", "6"), ("1", "5 6", "7")],
    "x.valid.inter": [("0", "1 2 3", "4"), ("1", "5 6 7", "8")],
    "x.test.inter": [("0", "1 2 3 4", "9"), ("1", "5 6 7 8", "10"), ("2", "1 5", "9")],
}
HEADER = "session_id:token\titem_id_list:token_seq\titem_id:token\n"


def sessions(folder, files=SESSIONS):
    for name, rows in files.items():
        write(folder / name, HEADER + "".join("\t".join(row) + "\n" for row in rows))
    return folder


def test_session_files_are_read_with_their_history(tmp_path):
    data = read(sessions(tmp_path))
    of = {user: [] for user in "012"}
    for (user, item), part in zip(pairs(data), data.part.tolist(), strict=True):
        of[user].append((item, part))
    assert of["0"] == [("1", 0), ("2", 0), ("3", 0), ("4", 1), ("9", 2)]
    assert of["1"] == [("5", 0), ("6", 0), ("7", 0), ("8", 1), ("10", 2)]
    assert of["2"] == [("1", 0), ("5", 0), ("9", 2)]  # one user of three without train
    assert data.order == "rows" and noted(data, "each list followed by its item, in order")


def test_histories_of_users_who_are_not_trained_on_are_folded_in(tmp_path):
    files = {"x.train.inter": [("0", "1 2", "3")], "x.test.inter": [("7", "1 2", "3")]}
    data = read(sessions(tmp_path, files))
    assert data.part.tolist() == [0, 0, 0, FOLD_IN, FOLD_IN, 2]


@pytest.mark.parametrize("cell", ["1 2 3", '"[1, 2, 3]"', "1;2;3", "1|2|3"])
def test_a_column_of_lists(tmp_path, cell):
    path = write(tmp_path / "a.csv", f"user,history,item\na,{cell},4\n")
    data = read(path, Columns(layout="sessions"))
    assert [item for _, item in pairs(data)] == ["1", "2", "3", "4"] and data.order == "rows"
    assert pairs(read(path)) == pairs(data)  # and by its name and looks
    alone = read(path, Columns(layout="pairs"))
    assert pairs(alone) == [("a", "4")]


def test_parquet_lists_are_sessions_too(tmp_path):
    frame = pd.DataFrame({"user": [1], "item_id_list": [[7, 8]], "item_id": [9]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert pairs(read(tmp_path / "a.parquet")) == [(1, "7"), (1, "8"), (1, "9")]


def test_sessions_have_no_times_or_ratings(tmp_path):
    path = write(tmp_path / "a.csv", "user,item_id_list,item,rating\na,1 2,4,5\n")
    assert len(read(path)) == 3
    with pytest.raises(UserError, match="leave out --time, --rating and --min-rating"):
        read(path, Columns(min_rating=4))
    with pytest.raises(UserError, match="needs a column of lists"):
        read(write(tmp_path / "b.csv", "user,item\na,4\n"), Columns(layout="sessions"))


@pytest.mark.parametrize("text", ["1 10\n1 13\n2 4\n2 3\n1 7\n", "1,10\n1,13\n2,4\n2,3\n1,7\n"])
def test_the_order_of_rows_is_used_where_it_is_told(tmp_path, text):
    path = write(tmp_path / "a.txt", text)
    plain = read(path)
    assert plain.order == "none" and noted(plain, "--order rows if")
    data = read(path, Columns(order="rows"))
    assert data.order == "rows" and noted(data, "as told by --order rows")
    parts = split(data, "leave_one_out")
    assert [data.item_ids[each] for each in parts.test.indices] == ["7"]


def test_the_parts_of_a_split_keep_the_order_of_their_files(tmp_path):
    write(tmp_path / "train.txt", "1 10\n1 3\n2 4\n")
    write(tmp_path / "valid.txt", "1 4\n")
    write(tmp_path / "test.txt", "1 5\n2 10\n")
    data = read(tmp_path, Columns(order="rows"))
    assert data.order == "rows" and data.part.tolist() == [0, 0, 0, 1, 2, 2]


def test_a_split_of_sequences_is_one_by_users(tmp_path):
    write(tmp_path / "train.txt", "5 6 7\n6 7 8 5\n")
    write(tmp_path / "test.txt", "5 6\n")
    data = read(tmp_path, Columns(layout="sequences"))
    assert data.user_ids.tolist() == ["train:1", "train:2", "test:1"]
    assert data.part.tolist() == [0] * 7 + [FOLD_IN, 2]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"layout": "list"}, "--layout must be one of .*; did you mean lists"),
        ({"order": "row"}, "--order must be one of .*; did you mean rows"),
        ({"order": "rows", "time": "ts"}, "--time ts and --order rows exclude each other"),
    ],
)
def test_wrong_words_are_refused(words, sentence):
    with pytest.raises(UserError, match=sentence):
        Columns(**words)


def test_order_by_time_needs_times(tmp_path):
    path = write(tmp_path / "a.csv", "user,item\na,x\n")
    with pytest.raises(UserError, match="--order time needs a column of times"):
        read(path, Columns(order="time"))
    data = read(write(tmp_path / "b.csv", "user,item,time\na,x,5\na,y,4\n"), Columns(order="rows"))
    assert data.times is None and data.order == "rows"
