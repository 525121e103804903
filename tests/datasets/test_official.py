"""Loaders of official layouts, on small files: what each reads, keeps and notes."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from negbench.data.interactions import Interactions
from negbench.data.load import load
from negbench.errors import DataError
from negbench.plugins import registry
from negbench.scenario.splits import split


def at(folder: Path, **files: str | bytes) -> Path:
    """A folder with these files; `u__data` stands for u.data."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_bytes(
            text if isinstance(text, bytes) else text.encode()
        )
    return folder.parent


def pairs(data: Interactions) -> list[tuple[object, object]]:
    assert data.user_ids is not None and data.item_ids is not None
    return list(zip(data.user_ids[data.users], data.item_ids[data.items], strict=True))


def test_ml_100k(tmp_path: Path) -> None:
    flags = "|".join("1" if at in (5, 8) else "0" for at in range(19))
    film = f"7|L'Amélie (2001)|01-Jan-2001||http://x|{flags}\n".encode("latin-1")
    home = at(tmp_path / "ml-100k", u__data="3\t7\t4\t20\n3\t8\t3\t10\n1\t7\t5\t5\n", u__item=film)
    data = load("ml_100k", data_dir=home)
    assert pairs(data) == [(3, 7), (1, 7)] and data.order == "time"
    assert data.times is not None and data.times.tolist() == [20.0, 5.0]
    assert data.item_names == ("L'Amélie (2001)",)
    assert data.item_texts == ("L'Amélie (2001). Comedy, Drama",)
    assert len(load("ml_100k(min_rating=1)", data_dir=home)) == 3


def test_ml_1m(tmp_path: Path) -> None:
    films = "9::Été: Story (1995)::Animation|Comedy\n".encode("latin-1")
    home = at(tmp_path / "ml-1m", ratings__dat="1::9::5::30\n2::9::2::40\n", movies__dat=films)
    data = load("ml_1m", data_dir=home)
    assert pairs(data) == [(1, 9)]
    assert data.item_texts == ("Été: Story (1995). Animation, Comedy",)


@pytest.mark.parametrize("name", ["ml_latest_small", "ml_20m", "ml_25m"])
def test_film_tables(tmp_path: Path, name: str) -> None:
    home = at(
        tmp_path / name.replace("_", "-"),
        ratings__csv="userId,movieId,rating,timestamp\n1,31,4.0,9\n1,32,3.5,8\n2,33,5.0,7\n",
        movies__csv='movieId,title,genres\n31,"Story, The (1995)",A|B\n33,X,(no genres listed)\n',
    )
    data = load(name, data_dir=home)
    assert pairs(data) == [(1, 31), (2, 33)]
    assert data.item_texts == ("Story, The (1995). A, B", "X")


@pytest.mark.parametrize("name", ["gowalla", "yelp2018", "amazon_book"])
def test_lists(tmp_path: Path, name: str) -> None:
    home = at(tmp_path / name.replace("_", "-"), train__txt="0 2 1 \n1 0\n2\n", test__txt="0 4 2\n")
    data = load(name, data_dir=home)
    assert data.users.tolist() == [0, 0, 1, 0] and data.items.tolist() == [2, 1, 0, 4]
    assert data.part is not None and data.part.tolist() == [0, 0, 0, 2]
    assert (data.n_users, data.n_items, data.order) == (2, 5, "none")
    assert any("1 pair of test is in train too and kept in train alone" in n for n in data.notes)
    assert not any("repeated" in note for note in data.notes)


def test_lists_must_be_numbers(tmp_path: Path) -> None:
    home = at(tmp_path / "gowalla", train__txt="0 1\n1 x\n", test__txt="0 4\n")
    with pytest.raises(DataError, match="train.txt, line 2: 'x' must be a number"):
        load("gowalla", data_dir=home)


FILES = {"beauty": "Beauty", "steam": "Steam", "video": "Video", "ml_1m_sasrec": "ml-1m"}


@pytest.mark.parametrize("name", FILES)
def test_sequences(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{FILES[name]}.txt.gz").write_bytes(gzip.compress(b"1 5\n1 3\n2 5\n"))
    data = load(name, data_dir=tmp_path)
    assert pairs(data) == [(1, 5), (1, 3), (2, 5)] and data.order == "rows"
    (tmp_path / f"{FILES[name]}.txt.gz").write_bytes(gzip.compress(b"1 5\n1 3 2\n"))
    with pytest.raises(DataError, match="line 2: 3 words"):
        load(name, data_dir=tmp_path)


def test_goodbooks_10k(tmp_path: Path) -> None:
    home = at(
        tmp_path / "goodbooks-10k",
        to_read__csv="user_id,book_id\n9,8\n9,1\n9,8\n",
        ratings__csv="user_id,book_id,rating\n9,8,5\n9,1,3\n",
        books__csv="book_id,title,authors,original_publication_year\n"
        '8,"Rye, The",J. D. S.,1951.0\n',
    )
    data = load("goodbooks_10k", data_dir=home)
    assert pairs(data) == [(9, 8), (9, 1)] and data.order == "rows"
    assert data.item_texts == ("Rye, The by J. D. S. (1951)", "")
    assert pairs(load("goodbooks_10k(table=ratings)", data_dir=home)) == [(9, 8)]


def test_lastfm_has_windows_line_ends(tmp_path: Path) -> None:
    home = at(
        tmp_path / "hetrec2011-lastfm-2k",
        user_artists__dat="userID\tartistID\tweight\r\n2\t51\t100\r\n2\t52\t1\r\n",
        artists__dat='id\tname\turl\tpictureURL\r\n51\t"Duran\thttp://a\thttp://b\r\n',
    )
    data = load("lastfm", data_dir=home)
    assert pairs(data) == [(2, 51), (2, 52)] and data.item_names == ('"Duran', "")
    assert len(load("lastfm(min_plays=2)", data_dir=home)) == 1


def test_coat_tests_what_was_shown_at_random(tmp_path: Path) -> None:
    home = at(tmp_path / "coat", train__ascii="5 0 3\n0 4 0\n", test__ascii="4 5 1\n0 0 4\n")
    data = load("coat", data_dir=home)
    cells = list(zip(data.users, data.items, data.part, strict=True))  # type: ignore[arg-type]
    assert cells == [(0, 0, 0), (1, 1, 0), (0, 1, 2), (1, 2, 2)]
    assert data.truth is not None and data.truth.keys.tolist() == [0, 1, 5]
    assert data.judged is not None and data.judged.keys.tolist() == [0, 1, 2, 5]
    assert data.judged_at_random
    parts = split(data, "auto")
    assert parts.rule_name == "files" and parts.test.keys.tolist() == [1, 5]


def test_jester_keeps_who_rated_all(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    full = rng.uniform(-10, 10, (6, 100)).round(2)
    full[4] = -1.0  # likes none
    full[5, 3] = 99  # did not rate all
    rows = "".join(",".join(map(str, [100, *row])) + "\n" for row in full)
    data = load("jester", data_dir=at(tmp_path / "jester", **{"jester-data__csv": rows}))
    assert data.truth is not None and data.n_users == 4
    expected = np.flatnonzero((full[:4] >= 5).ravel())
    assert data.truth.keys.tolist() == expected.tolist()
    assert np.isin(data.users * 100 + data.items, expected).all()
    assert 0.3 < len(data) / len(expected) < 0.7
    assert any("SIMULATED" in note for note in data.notes)


def test_kuairec_full_judges_by_its_matrix(tmp_path: Path) -> None:
    head = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
    big = "7,70,1,1,t,d,30,2.5\n7,70,1,1,t,d,10,3.0\n8,70,1,1,t,d,20,0.4\n8,71,1,1,t,d,40,2.0\n"
    small = "7,71,1,1,t,d,,2.2\n7,72,1,1,t,d,5,0.1\n"
    home = at(tmp_path / "KuaiRec", big_matrix__csv=head + big, small_matrix__csv=head + small)
    data = load("kuairec_full", data_dir=home)
    assert pairs(data) == [(7, 70), (8, 71)] and data.order == "time"
    assert data.times is not None and data.times.tolist() == [10.0, 40.0]
    assert data.truth is not None and data.judged is not None and data.item_ids is not None
    assert data.item_ids[data.judged.indices].tolist() == [71, 72]
    assert data.item_ids[data.truth.indices].tolist() == [71]
    assert (data.n_users, data.n_items) == (2, 3)


@pytest.mark.parametrize("name", ["ml_1m", "ml_20m"])
def test_a_shared_config_is_listed_from_its_source(name: str) -> None:
    from negbench.cli.catalogue import parameters

    path = registry.source("datasets", name)
    assert path is not None
    (parameter,) = parameters(path)
    assert (parameter.name, parameter.type, parameter.default) == ("min_rating", "float", "4.0")
    assert parameter.description.startswith("Least rating, of ")
