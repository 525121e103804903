"""The data sets of the Apple study, on small files of their official layouts."""

from pathlib import Path

import pytest

from negbench.data.load import load
from negbench.errors import DataError, UserError

EVENTS = """timestamp,visitorid,event,itemid,transactionid
1433221332117,7,view,40,
1433221332000,8,view,41,
1433221339000,7,view,40,
1433221340000,7,addtocart,40,
1433221350000,7,transaction,40,9
"""


def pairs(data):
    return list(zip(data.user_ids[data.users], data.item_ids[data.items], strict=True))


def test_ml_10m(tmp_path):
    folder = tmp_path / "ml-10M100K"
    folder.mkdir()
    (folder / "ratings.dat").write_text("1::9::4.5::30\n1::8::3.5::20\n2::9::4::10\n")
    (folder / "movies.dat").write_text(
        "9::Amélie: A (2001)::Comedy|Drama\n8::B::(no genres listed)\n", encoding="utf-8"
    )
    data = load("ml_10m", data_dir=tmp_path)
    assert pairs(data) == [(1, 9), (2, 9)] and data.order == "time"
    assert data.item_texts == ("Amélie: A (2001). Comedy, Drama",)
    assert len(load("ml_10m(min_rating=0.5)", data_dir=tmp_path)) == 3


def test_amazon_beauty(tmp_path):
    lines = "A1,B0,5.0,1400000000\nA2,B0,1.0,1300000000\nA1,0001,3.0,1400000000\n"
    (tmp_path / "ratings_Beauty.csv").write_text(lines)
    data = load("amazon_beauty", data_dir=tmp_path)
    assert pairs(data) == [("A1", "B0"), ("A2", "B0"), ("A1", "0001")]  # ids stay text
    assert data.times.tolist() == [1.4e9, 1.3e9, 1.4e9]
    assert len(load("amazon_beauty(min_rating=4)", data_dir=tmp_path)) == 1


@pytest.mark.parametrize(
    ("word", "repeats", "wanted"),
    [
        ("retailrocket", "drop", [(7, 40), (8, 41)]),
        ("retailrocket", "keep", [(7, 40), (8, 41), (7, 40)]),
        ("retailrocket(events=transaction)", "drop", [(7, 40)]),
        ("retailrocket(events=all)", "keep", [(7, 40), (8, 41), (7, 40), (7, 40), (7, 40)]),
    ],
)
def test_retailrocket(tmp_path, word, repeats, wanted):
    (tmp_path / "events.csv").write_text(EVENTS)
    data = load(word, data_dir=tmp_path, repeated=repeats)
    assert pairs(data) == wanted and data.order == "time"
    assert data.times[0] == 1433221332.117 or wanted == [(7, 40)]  # seconds
    assert any("a positive is " in note for note in data.notes)


def test_what_is_wrong_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("NEGBENCH_DATA", raising=False)
    with pytest.raises(DataError, match=r"the files events.csv are needed .* --data-dir"):
        load("retailrocket", data_dir=tmp_path)
    (tmp_path / "events.csv").write_text(EVENTS.replace("addtocart", "like"))
    with pytest.raises(DataError, match="row 4: an event must be one of view, .*; got 'like'"):
        load("retailrocket", data_dir=tmp_path)
    with pytest.raises(UserError, match="events"):
        load("retailrocket(events=click)", data_dir=tmp_path)
    (tmp_path / "ratings_Beauty.csv").write_text("A1,B0,5.0\n")
    with pytest.raises(DataError, match="not in the official layout"):
        load("amazon_beauty", data_dir=tmp_path)
    assert Path(tmp_path / "ratings_Beauty.csv").exists()
