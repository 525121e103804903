"""MIND, Yambda and Amazon 2023 on made files of the official layout."""

import builtins
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from negbench.data.download.file_cache import FileCache
from negbench.data.interactions import Csr, Interactions
from negbench.data.load import load
from negbench.datasets import mind
from negbench.errors import DataError, UserError
from negbench.scenario.known_negatives import known_in_all, known_in_training
from negbench.scenario.splits import split

TRAIN = (
    "1\tU1\t11/13/2019 9:00:00 PM\tN1 N2\tN3-1 N4-0\n"
    "2\tU1\t11/12/2019 9:00:00 AM\tN1 N2\tN5-1 N4-0 N2-0\n"
    "3\tU2\t11/12/2019 9:00:00 AM\t\tN1-0 N5-1\n"
)
DEV = (
    "1\tU1\t11/15/2019 9:00:00 AM\tN1 N2\tN6-1 N7-0\n"
    "2\tU3\t11/15/2019 9:00:00 AM\tN7\tN4-1 N5-0\n"
    "3\tU4\t11/15/2019 9:00:00 AM\t\tN4-1\n"
)


def news(*numbers: int) -> str:
    line = "N{0}\tsports\tgolf\tTitle {0}\tAbstract\thttp://x\t[]\t[]\n"
    return "".join(line.format(n) for n in numbers)


def laid(home: Path, train: str = TRAIN, dev: str = DEV) -> Path:
    for part, text in (("train", train), ("dev", dev)):
        folder = home / f"MINDsmall_{part}"
        folder.mkdir(parents=True)
        (folder / "behaviors.tsv").write_text(text)
        (folder / "news.tsv").write_text(news(1, 2, 3, 4, 5, 6))
    return home


def pairs(data: Interactions, cells: Csr) -> list[tuple[Any, Any]]:
    assert data.user_ids is not None and data.item_ids is not None
    return sorted(zip(data.user_ids[cells.rows], data.item_ids[cells.indices], strict=True))


def chosen(data: Interactions) -> list[tuple[Any, Any]]:
    assert data.user_ids is not None and data.item_ids is not None
    return list(zip(data.user_ids[data.users], data.item_ids[data.items], strict=True))


def test_mind_keeps_impressions_apart_from_clicks(tmp_path: Path) -> None:
    data = load("mind", data_dir=laid(tmp_path))
    mine = [item for user, item in chosen(data) if user == "U1"]
    assert mine == ["N1", "N2", "N5", "N3"]  # the past first, then by time
    assert set(chosen(data)) == {("U1", i) for i in mine} | {("U2", "N5"), ("U3", "N7")}
    assert data.order == "rows" and data.n_items == 7 and data.unchosen is not None
    assert pairs(data, data.unchosen) == [("U1", "N2"), ("U1", "N4"), ("U2", "N1")]
    assert data.judged is not None and data.truth is not None and not data.judged_at_random
    judged = [("U1", "N6"), ("U1", "N7"), ("U3", "N4"), ("U3", "N5")]
    assert pairs(data, data.judged) == judged  # U4 has no click before
    assert pairs(data, data.truth) == [("U1", "N6"), ("U3", "N4")]
    assert data.item_texts is not None and data.item_ids is not None
    texts = dict(zip(data.item_ids, data.item_texts, strict=True))
    assert texts["N6"] == "Title 6. golf" and texts["N7"] == ""


def test_mind_trains_on_no_impression_of_the_test(tmp_path: Path) -> None:
    data = load("mind", data_dir=laid(tmp_path))
    parts = split(data, "truth(0)")
    assert pairs(data, parts.test) == [("U1", "N6"), ("U3", "N4")]
    assert pairs(data, known_in_training(data, parts)) == [("U1", "N4"), ("U2", "N1")]
    known = known_in_all(data, parts)
    assert known is not None
    assert pairs(data, known) == [("U1", "N4"), ("U1", "N7"), ("U2", "N1"), ("U3", "N5")]


def test_mind_from_archives_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unzipped, home = laid(tmp_path / "made"), tmp_path / "home"
    home.mkdir()
    sums = {}
    for part in ("train", "dev"):
        archive = home / f"MINDsmall_{part}.zip"
        with zipfile.ZipFile(archive, "w") as out:
            for name in ("behaviors.tsv", "news.tsv"):
                out.write(unzipped / f"MINDsmall_{part}" / name, f"MINDsmall_{part}/{name}")
        sums[archive.name] = f"md5:{hashlib.md5(archive.read_bytes()).hexdigest()}"
    cache = FileCache(home, tmp_path / "cache")
    with pytest.raises(DataError, match="is not the official archive"):
        mind.load(mind.Config(), cache)
    monkeypatch.setattr(mind, "CHECKSUMS", sums)
    assert len(mind.load(mind.Config(), cache)) == 6


def test_mind_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"MINDsmall_train.zip comes from https://msnews"):
        load("mind", data_dir=tmp_path)
    home = laid(tmp_path / "a", train=TRAIN.replace("N3-1", "N3-2"))
    with pytest.raises(DataError, match="must end in -0 or -1"):
        load("mind", data_dir=home)
    home = laid(tmp_path / "b", dev=DEV.replace("11/15/2019 9", "2019-11-15 9"))
    with pytest.raises(DataError, match="row 1: '2019-11-15 9:00:00 AM' must be a time"):
        load("mind", data_dir=home)
    with pytest.raises(DataError, match="the folder above it"):
        load("mind", data_dir=home / "MINDsmall_train")


def yambda_files(home: Path, **more: Any) -> Path:
    folder = home / "flat" / "50m"
    folder.mkdir(parents=True)
    tables: dict[str, Any] = {
        "likes": {"uid": [1, 1, 2, 1], "item_id": [10, 11, 10, 10], "timestamp": [5, 20, 10, 90]},
        "dislikes": {"uid": [1, 2, 2, 1], "item_id": [12, 11, 99, 11], "timestamp": [0, 15, 5, 50]},
        "listens": {
            "uid": [1, 1, 2],
            "item_id": [12, 10, 11],
            "timestamp": [0, 5, 15],
            "played_ratio_pct": [100, 20, 50],
        },
    } | more
    for name, columns in tables.items():
        frame = pd.DataFrame(columns).assign(is_organic=1)
        frame.to_parquet(folder / f"{name}.parquet")
    return home


def test_yambda_likes_and_dislikes(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    data = load("yambda", data_dir=yambda_files(tmp_path))
    assert any("dislikes" in note for note in data.notes)
    assert not any("rated" in note for note in data.notes)  # there are no ratings
    assert chosen(data) == [(1, 10), (1, 11), (2, 10)] and data.order == "time"
    assert data.times is not None and data.times.tolist() == [5, 20, 10]
    assert data.disliked is not None and data.disliked_times is not None
    assert pairs(data, data.disliked) == [(1, 11), (2, 11)]  # nobody likes 12 and 99
    known = known_in_all(data, split(data, "random"))
    assert known is not None and pairs(data, known) == [(2, 11)]
    listens = load("yambda(event=listens)", data_dir=tmp_path)
    assert chosen(listens) == [(1, 12), (2, 11)]
    assert len(load("yambda(event=listens,played=0)", data_dir=tmp_path)) == 3


def test_yambda_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    words = {"uid": ["a"], "item_id": [1], "timestamp": [1]}
    with pytest.raises(DataError, match="column uid must hold numbers"):
        load("yambda", data_dir=yambda_files(tmp_path / "a", likes=words))
    with pytest.raises(DataError, match="no readable parquet file"):
        home = yambda_files(tmp_path / "b")
        (home / "flat" / "50m" / "likes.parquet").write_bytes(b"PAR1 no")
        load("yambda", data_dir=home)
    with pytest.raises(UserError, match="`played` must be from 0 to 100"):
        load("yambda(played=101)", data_dir=home)
    plain = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return plain(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'negbench\[parquet\]'"):
        load("yambda", data_dir=tmp_path / "b")


ROWS = (
    "user_id,parent_asin,rating,timestamp\n"
    "AE1,B01,5.0,1600000000123\nAE1,B02,2.0,1600000001000\nAE2,B01,4.0,1500000000000\n"
    "AE2,B02,5.0,1500000009000\n"
)


@pytest.mark.parametrize("name", ["Digital_Music.csv", "Digital_Music.csv.gz"])
def test_amazon_2023_by_category(tmp_path: Path, name: str) -> None:
    import gzip

    folder = tmp_path / "rating_only"
    folder.mkdir()
    (folder / name).write_bytes(gzip.compress(ROWS.encode()) if "gz" in name else ROWS.encode())
    data = load("amazon_2023(category=Digital_Music)", data_dir=tmp_path)
    assert chosen(data) == [("AE1", "B01"), ("AE1", "B02"), ("AE2", "B01"), ("AE2", "B02")]
    assert data.times is not None and data.times[0] == 1600000000.123
    liked = load("amazon_2023(category=Digital_Music,min_rating=4)", data_dir=tmp_path)
    assert liked.disliked is not None and pairs(liked, liked.disliked) == [("AE1", "B02")]
    assert np.asarray(liked.disliked_times).tolist() == [1600000001.0]


def test_amazon_2023_knows_its_categories(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Baby_Products"):
        load("amazon_2023(category=Baby)", data_dir=tmp_path)
