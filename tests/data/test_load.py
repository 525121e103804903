"""Loading by name, name with parameters, path and mistyped name; and the file cache."""

import gzip
import zipfile
from pathlib import Path

import pytest

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.load import load
from negbench.errors import DataError, UserError

LINES = "196\t242\t3\t881250949\n186\t302\t5\t891717742\n"


def test_a_name_with_parameters() -> None:
    data = load("synthetic(users=30, items=40, interactions=60)")
    assert (data.n_users, data.n_items, len(data)) == (30, 40, 60)


def test_seed_reaches_what_is_drawn_unless_given() -> None:
    text = "synthetic(users=30,items=40,interactions=60)"
    sums = [load(text, seed=seed).checksum for seed in (0, 1)]
    assert sums[0] != sums[1]
    assert load("synthetic(users=30,items=40,interactions=60,seed=1)", seed=0).checksum == sums[1]


def test_a_path_and_a_core(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text("user,item\na,x\na,y\nb,x\nb,y\nc,z\n")
    data = load(str(tmp_path / "my.csv"), k_core=2)
    assert (data.name, len(data)) == ("my", 4)


@pytest.mark.parametrize(
    ("text", "near"),
    [("goodboks", "did you mean goodbooks"), ("kuairecs(seed=1)", "did you mean kuairec")],
)
def test_nearly_a_name(text: str, near: str) -> None:
    with pytest.raises(DataError, match=near) as caught:
        load(text)
    assert caught.value.exit_code == 3


def test_a_path_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "caf\udce9.csv").write_text("user,item\na,x\n")
    with pytest.raises(
        DataError, match=r"path of a data set must be UTF-8; got '.*caf\\udce9.csv'"
    ):
        load(str(tmp_path / "caf\udce9.csv"))


def test_nearly_a_path(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("user,item\na,x\n")
    with pytest.raises(DataError, match="did you mean .*/ratings.csv"):
        load(str(tmp_path / "rating.csv"))


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(UserError, match="user"):
        load("synthetic(user=3)")
    with pytest.raises(UserError, match="`exposure_bias` must be from 0 to 1"):
        load("synthetic(exposure_bias=2)")


@pytest.mark.parametrize("place", ["u.data", "u.data.gz", "ml-100k/u.data", "ml-100k/u.data.gz"])
@pytest.mark.parametrize("how", ["argument", "environment"])
def test_files_at_hand(
    tmp_path: Path, place: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(LINES.encode()) if place.endswith("gz") else LINES.encode())
    if how == "environment":
        monkeypatch.setenv("NEGBENCH_DATA", str(tmp_path))
    data = load("ml_100k(min_rating=1)", data_dir=tmp_path if how == "argument" else None)
    assert data.user_ids is not None and data.user_ids.tolist() == [196, 186]
    assert any("differs from the official file" in note for note in data.notes)


def test_data_dir_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data-dir must name a folder"):
        load("ml_100k", data_dir=tmp_path / "absent")


def source(url: str) -> DatasetFiles:
    return DatasetFiles(
        folders=("set",),
        files=("a.txt",),
        optional=("b.txt",),
        downloads=(Download("set.zip", (url,)),),
    )


def zipped(path: Path) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/deep/a.txt", "aaa")
        archive.writestr("inner/b.txt", "bbb")
    return path.as_uri()


def test_an_archive_is_fetched_unpacked_and_kept(tmp_path: Path) -> None:
    url = zipped(tmp_path / "there.zip")
    cache = FileCache(cache_dir=tmp_path / "cache")
    for _ in range(2):
        local = cache.find(source(url))
        assert local["a.txt"].read_text() == "aaa"
        assert (there := local.get("b.txt")) and there.read_text() == "bbb"
        (tmp_path / "there.zip").unlink(missing_ok=True)  # the second time needs no download


def test_an_archive_at_hand_saves_the_download(tmp_path: Path) -> None:
    zipped(tmp_path / "set.zip")
    cache = FileCache(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    assert cache.find(source("http://127.0.0.1:9/set.zip"))["a.txt"].read_text() == "aaa"


def test_nothing_found_says_where_and_what(tmp_path: Path) -> None:
    cache = FileCache(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    with pytest.raises(DataError, match="files a.txt are needed .* --data-dir"):
        cache.find(DatasetFiles(folders=("set",), files=("a.txt",)))
