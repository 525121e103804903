"""First lines, headers that come again and stray quotes: no row lost, none invented."""

import gzip

import pytest

from negbench.data.readers.column_roles import Columns
from negbench.data.readers.user_files import read
from negbench.errors import DataError, UserError


def write(path, text):
    blob = text.encode()
    path.write_bytes(gzip.compress(blob) if path.suffix.lower() == ".gz" else blob)
    return path


def pairs(data):
    users, items = data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist()
    return list(zip(users, items, strict=True))


def noted(data, words):
    return any(words in note for note in data.notes)


QUOTED = {
    "in an id": ('user,item\na,1\n"b,1\nc,1\nd,2\ne",2\nf,3\n', "line 3: a quote opens"),
    "in a text": ('user,item,t\na,1,"big\nb,1,c\nc,2,ok\nd,3,"x"\n', "line 2: a quote opens"),
    "to the end": (
        'user,item,t\na,1,x\nb,1,"big\nc,2,x\n',
        "line 3: a quote opens there and never",
    ),
}


@pytest.mark.parametrize("case", QUOTED)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_stray_quote_swallows_no_line(tmp_path, case, ends):
    text, sentence = QUOTED[case]
    with pytest.raises(DataError, match=sentence):
        read(write(tmp_path / "a.csv", text.replace("\n", ends)))


def test_texts_of_several_lines_are_no_stray_quotes(tmp_path):
    text = 'user,item,t\na,1,"good, very\n\nreally, very, nice"\nb,1,"say ""hi"""\nc,2,"x\ny"\n'
    assert pairs(read(write(tmp_path / "a.csv", text))) == [("a", "1"), ("b", "1"), ("c", "2")]
    tsv = read(write(tmp_path / "a.tsv", 'user\titem\n"a\t1\nb"\t2\n'))
    assert len(tsv) == 2


@pytest.mark.parametrize("again", ["user_id,item_id", "\ufeffuser_id,item_id"])
def test_a_header_that_comes_back_is_dropped_and_said(tmp_path, again):
    path = write(tmp_path / "a.csv", f"user_id,item_id\n1,2\n{again}\n2,3\n{again}\n2,4\n")
    data = read(path)
    assert pairs(data) == [("1", "2"), ("2", "3"), ("2", "4")]
    assert noted(data, "the header comes back in the middle: 2 lines dropped")


@pytest.mark.parametrize("top", ["user_id,item_id\n", ""])
@pytest.mark.parametrize("other", ["item_id,user_id", "uid,sku"])
def test_another_header_in_the_middle_is_refused(tmp_path, top, other):
    path = write(tmp_path / "a.csv", f"{top}1,2\n{other}\n3,2\n")
    line = 3 if top else 2
    with pytest.raises(DataError, match=f"line {line}: another header stands there"):
        read(path)


@pytest.mark.parametrize(
    "text", ["cust,good\n10,50\n11,51\n", "cust,good,x\na,b,1\nc,d,2\n", ",0,1\n0,5,6\n1,5,7\n"]
)
def test_a_header_of_unusual_names_with_columns_by_number(tmp_path, text):
    at = ("2", "3") if text.startswith(",") else ("1", "2")
    data = read(write(tmp_path / "a.csv", text), Columns(user=at[0], item=at[1]))
    assert len(data) == 2 and noted(data, "the first line is a header")


def test_a_first_line_in_doubt_is_refused_both_ways(tmp_path):
    rows = "bob,x\nann,y\nbob,y\n"
    path = write(tmp_path / "a.csv", rows)
    with pytest.raises(UserError, match="no column for the user among bob, x; .*--user 1 --item 2"):
        read(path)
    with pytest.raises(UserError, match="the first line is a row and no header"):
        read(path, Columns(user="bob", item="x"))
    assert len(read(path, Columns(user="1", item="2"))) == 3
    path = write(tmp_path / "b.csv", "cust,good\n" + rows)
    with pytest.raises(UserError, match=r"\(cust, good\) may be a header or a row"):
        read(path, Columns(user="1", item="2"))
    assert len(read(path, Columns(user="cust", item="good"))) == 3


def test_a_header_that_counts_the_columns(tmp_path):
    path = write(tmp_path / "a.csv", "0,1,2\n5,6,3\n5,7,4\n")
    with pytest.raises(UserError, match="may be a header that counts the columns or a row"):
        read(path, Columns(user="1", item="2"))
    assert pairs(read(path, Columns(user="0", item="1"))) == [("5", "6"), ("5", "7")]
    assert noted(read(write(tmp_path / "b.csv", "0,1\n5,6\n")), "0,1, is read as a row")


def test_one_column_has_one_role_and_one_name_one_column(tmp_path):
    path = write(tmp_path / "a.csv", "user,item,item\na,x,y\n")
    with pytest.raises(UserError, match="column 1 cannot be both user and item"):
        read(path, Columns(user="1", item="1"))
    with pytest.raises(UserError, match="2 columns are called item"):
        read(path, Columns(item="item"))
