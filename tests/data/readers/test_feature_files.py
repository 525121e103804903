"""Tables of features: what a column is taken for, ids and gaps that are counted, bad files."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from negbench.data.features import Features
from negbench.data.in_memory import hold, holding
from negbench.data.interactions import Interactions
from negbench.data.load import load
from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError

PAIRS = "user,item\nu1,10\nu1,20\nu2,10\nu3,30\n"


def read(folder: Path, items: str, name: str = "items.csv", pairs: str = PAIRS) -> Interactions:
    (folder / "my.csv").write_text(pairs)
    (folder / name).write_text(items)
    return load(str(folder / "my.csv"), columns=Columns(item_features=str(folder / name)))


def table(features: Features | None) -> dict[str, list[object]]:
    """The values of each column, id by id: words, or a number."""
    assert features is not None
    words: dict[str, list[object]] = {
        each.name: [
            [each.vocabulary[code] for code in each.codes.row(r)] for r in range(len(features))
        ]
        for each in features.categorical
    }
    return words | {each.name: each.values.round(3).tolist() for each in features.numeric}


def noted(data: Interactions, piece: str) -> bool:
    return any(piece in note for note in data.notes)


def test_columns_by_their_looks(tmp_path: Path) -> None:
    items = (
        "item_id,kind,tags,year,title,void\n"
        "30,a,x|y,1999,Thirty,\n10,a,y,2001.5,Ten,\n20,b,,NaN,Twenty,NA\n"
    )
    data = read(tmp_path, items)
    got = table(data.item_features)
    assert got.pop("year")[::2] == [2001.5, 1999.0]
    assert got == {"kind": [["a"], ["b"], ["a"]], "tags": [["y"], [], ["x", "y"]]}
    assert noted(data, "kind categorical (2 values), tags categorical (2 values, up to 2 each), y")
    assert noted(data, "item column title left out: 3 of its 3 values are of one item alone")
    assert noted(data, "item column void left out: it is empty")
    assert noted(data, "items without a value: tags 1, year 1")
    assert data.user_features is None


def test_types_of_the_header(tmp_path: Path) -> None:
    items = (
        "item_id:token,code:token,words:token_seq,place:float_seq,title:token\n"
        "10,1,good old,0.5 1,A\n20,2,old,2 3,B\n30,1,,,C\n"
    )
    got = table(read(tmp_path, items).item_features)
    assert got["code"] == [["1"], ["2"], ["1"]] and got["title"] == [["A"], ["B"], ["C"]]
    assert got["words"] == [["good", "old"], ["old"], []]
    assert got["place_0"][:2] == [0.5, 2.0] and got["place_1"][:2] == [1.0, 3.0]


def test_the_files_of_recbole_beside_its_pairs(tmp_path: Path) -> None:
    pairs = "user_id:token\titem_id:token\n1\t10\n2\t20\n"
    (tmp_path / "x.inter").write_text(pairs)
    bare = load(str(tmp_path / "x.inter"))
    assert bare.user_features is None and bare.item_features is None
    (tmp_path / "x.item").write_text('item_id:token\tclass:token_seq\n20\tOld "B\n10\tNew\n')
    (tmp_path / "x.user").write_text("user_id:token\tage:float\n1\t24\n2\t53\n")
    data = load(str(tmp_path / "x.inter"))
    assert table(data.item_features) == {"class": [["New"], ["Old", '"B']]}
    assert table(data.user_features) == {"age": [24.0, 53.0]}
    assert data.checksum == bare.checksum and data.content == bare.content
    folder = tmp_path / "parts"
    folder.mkdir()
    for part in ("train", "test"):
        (folder / f"x.{part}.inter").write_text(pairs)
    (folder / "x.user").write_text((tmp_path / "x.user").read_text())
    assert table(load(str(folder)).user_features) == {"age": [24.0, 53.0]}
    (folder / "y.user").write_text("user_id\tage\n1\t2\n")
    with pytest.raises(UserError, match=r"x\.user and y\.user could each hold the features"):
        load(str(folder))


def test_ids_are_matched_as_those_of_pairs_and_the_others_counted(tmp_path: Path) -> None:
    data = read(tmp_path, "item,size\n 10 ,1\n30.0,3\n40,4\n50,5\n,6\n", pairs=PAIRS)
    assert table(data.item_features)["size"][::2] == [1.0, 3.0]
    assert noted(data, "1 of 3 items has no row there: no features")
    assert noted(data, "2 rows there of items without a pair not read")
    assert noted(data, "1 row of items.csv without item id dropped")


def test_the_id_column_may_be_named_and_the_file_zipped(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text("who,sku\na,x\nb,y\n")
    with gzip.open(tmp_path / "people.tsv.gz", "wt") as file:
        file.write("who\tage\nb\t2\na\t1\n")
    columns = Columns("who", "sku", user_features=str(tmp_path / "people.tsv.gz"))
    assert table(load(str(tmp_path / "my.csv"), columns=columns).user_features) == {"age": [1, 2]}


def test_a_data_frame_has_features_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("id,size\n2,20\n1,10\n")
    frame = pd.DataFrame({"user": [5, 6], "item": [1, 2]})
    with holding():
        data = load(hold(frame), columns=Columns(item_features=str(tmp_path / "items.csv")))
    assert table(data.item_features) == {"size": [10.0, 20.0]}


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ("item,size\n10,1\n20,2\n10,3\n", "each item must have one row; '10' has several"),
        ("item,size\n77,1\n", "none of its item ids is in my"),
        ("item,size\n", "must have a header, rows, and a column"),
        ("item\n10\n", "must have a header, rows, and a column"),
        ("item,size,\n10,1\n", "row 1 below the header: a row must have as many fields"),
        ("item,size\n10,1\n20,2,3\n", "got 3 fields for 2 columns"),
        ("item,size,size\n10,1,2\n", "columns must have different names"),
        ("item,size:float\n10,1\n20,big\n", "row 2 below the header: size must be a finite number"),
        ("item,size:float\n10,inf\n", "size must be a finite number; got 'inf'"),
        ("item,place:float_seq\n10,1 2\n20,1\n", "place must have 2 numbers"),
        ("item,size:number\n10,1\n", "the type of a column must be one of token, token_seq, float"),
        ("thing,size\n10,1\n", "one column must hold the item ids"),
        ("size,sku,asin\n1,10,10\n", "sku and asin could each be it"),
        ("item,void\n10,\n20,NA\n", "holds no item features"),
        ("", "is empty"),
    ],
)
def test_a_bad_file_gives_one_sentence(tmp_path: Path, items: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        read(tmp_path, items)


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text(PAIRS)
    with pytest.raises(UserError, match="no such file of user features"):
        load(str(tmp_path / "my.csv"), columns=Columns(user_features=str(tmp_path / "no.csv")))
