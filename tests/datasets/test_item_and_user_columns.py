"""Columns of users and items that official files hold: genres and years, ages and occupations."""

from pathlib import Path

import numpy as np
import pytest

from negbench.data.features import Features
from negbench.data.load import load
from negbench.datasets.kuairand_pure import FILES

FLAGS = "|".join("1" if at in (5, 8) else "0" for at in range(19))


def at(folder: Path, **files: str) -> Path:
    """A folder with these files; `u__data` stands for u.data."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "latin-1")
    return folder.parent


def row(features: Features | None, r: int) -> dict[str, object]:
    assert features is not None
    words = {
        each.name: [each.vocabulary[code] for code in each.codes.row(r)]
        for each in features.categorical
    }
    return words | {each.name: float(each.values[r]) for each in features.numeric}


def test_ml_100k(tmp_path: Path) -> None:
    films = f"8|Night|||http://y|{FLAGS}\n7|Heat (1995)|01-Jan-1995||http://x|{FLAGS}\n"
    pairs = "3\t7\t4\t20\n1\t8\t5\t5\n"
    people = "1|24|M|technician|85711\n3|53|F|other|94043\n"
    data = load(
        "ml_100k", data_dir=at(tmp_path / "ml-100k", u__data=pairs, u__item=films, u__user=people)
    )
    assert row(data.item_features, 0) == {"genres": ["Comedy", "Drama"], "year": 1995.0}
    assert np.isnan(row(data.item_features, 1)["year"])
    assert row(data.user_features, 0) == {"gender": ["F"], "occupation": ["other"], "age": 53.0}
    bare = load("ml_100k", data_dir=at(tmp_path / "other", u__data=pairs) / "other")
    assert not bare.features and bare.checksum == data.checksum


def test_ml_1m(tmp_path: Path) -> None:
    home = at(
        tmp_path / "ml-1m",
        ratings__dat="1::9::5::30\n",
        movies__dat="9::Story (1995)::Animation|Comedy\n",
        users__dat="1::F::1::10::48067\n",
    )
    data = load("ml_1m", data_dir=home)
    assert row(data.item_features, 0) == {"genres": ["Animation", "Comedy"], "year": 1995.0}
    assert row(data.user_features, 0) == {"gender": ["F"], "occupation": ["10"], "age": 1.0}


def test_films_without_genres(tmp_path: Path) -> None:
    home = at(
        tmp_path / "ml-latest-small",
        ratings__csv="userId,movieId,rating,timestamp\n1,31,4.0,9\n1,33,4.0,9\n",
        movies__csv="movieId,title,genres\n31,Story (1995),A|B\n33,X,(no genres listed)\n",
    )
    data = load("ml_latest_small", data_dir=home)
    assert row(data.item_features, 1)["genres"] == [] and data.user_features is None


def test_goodbooks() -> None:
    data = load("goodbooks")
    assert data.item_ids is not None
    games = row(data.item_features, data.item_ids.tolist().index(1))
    assert games["authors"] == ["Suzanne Collins"] and games["year"] == 2008.0
    assert "young-adult" in games["genres"]


def test_real_ml_100k(shared: Path) -> None:
    data = load("ml_100k", data_dir=shared)
    assert str(data.item_features) == "genres categorical (19 values, up to 6 each), year numeric"
    assert data.user_features is not None and len(data.user_features) == data.n_users
    age = data.user_features.numeric[0].values
    assert (age.min(), age.max()) == (7, 73) and not np.isnan(age).any()


def test_kuairand_pure(tmp_path: Path) -> None:
    folder, log = tmp_path / "KuaiRand-Pure", "user_id,video_id,time_ms,is_click\n"
    folder.mkdir()
    for name in FILES.files:
        (folder / name).write_text(log + "7,1,1000,1\n8,2,2000,1\n8,1,3000,0\n")
    bare = load("kuairand_pure", data_dir=tmp_path)
    assert not bare.features
    (folder / "user_features_pure.csv").write_text(
        "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,"
        "follow_user_num,follow_user_num_range,fans_user_num_range,friend_user_num_range,"
        'register_days_range\n8,full_active,0,0,1,5,"(0,10]","[1,10)",0,730+\n'
    )
    (folder / "video_features_basic_pure.csv").write_text(
        "video_id,author_id,video_type,upload_dt,upload_type,video_duration,music_type,tag\n"
        '2,44,NORMAL,2020-07-08,Short,17200.0,4,"12,65"\n1,45,AD,2020-07-08,Short,,,\n'
    )
    data = load("kuairand_pure", data_dir=tmp_path)
    assert data.user_ids.tolist() == [7, 8] and data.item_ids.tolist() == [1, 2]
    assert row(data.user_features, 1)["follow_user_num_range"] == ["(0,10]"]
    assert not any(map(len, map(row(data.user_features, 0).get, row(data.user_features, 0))))
    assert row(data.item_features, 1)["tag"] == ["12", "65"]
    assert row(data.item_features, 1)["video_duration"] == 17200.0
    assert row(data.item_features, 0)["tag"] == row(data.item_features, 0)["music_type"] == []
    assert data.checksum == bare.checksum


@pytest.mark.parametrize("people", ["1|old|M|x|1\n", "1|24|M|x\n"])
def test_people_in_another_layout_are_refused(tmp_path: Path, people: str) -> None:
    home = at(tmp_path / "ml-100k", u__data="1\t8\t5\t5\n", u__user=people)
    with pytest.raises(Exception, match="not in the official layout"):
        load("ml_100k", data_dir=home)
