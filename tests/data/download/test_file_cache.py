"""An official name means the official bytes, whichever way they come in."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.load import load
from negbench.errors import DataError

NOWHERE = "http://127.0.0.1:9/set.zip"


def zipped(path: Path, **members: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"inner/{name}.txt", text)
    return path


def md5(path: Path) -> str:
    return "md5:" + hashlib.md5(path.read_bytes()).hexdigest()


def wanted(checksum: str = "", url: str = NOWHERE) -> DatasetFiles:
    return DatasetFiles(
        folders=("set",),
        files=("a.txt", "c.txt"),
        optional=("b.txt",),
        downloads=(Download("set.zip", (url,), checksum),),
    )


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def official(tmp_path: Path) -> Path:
    return zipped(tmp_path / "publisher" / "set.zip", a="aaa", b="bbb", c="ccc")


def test_a_wrong_archive_at_hand_is_refused_and_never_cached(
    tmp_path: Path, official: Path
) -> None:
    toy = zipped(tmp_path / "here" / "set.zip", a="toy", c="toy")
    files = wanted(md5(official), official.as_uri())
    cache = FileCache(toy.parent, tmp_path / "cache")
    with pytest.raises(DataError, match="is not the official archive") as caught:
        cache.find(files)
    assert md5(toy) in str(caught.value) and md5(official) in str(caught.value)
    assert not files_under(tmp_path / "cache")
    assert FileCache(None, tmp_path / "cache").find(files)["a.txt"].read_text() == "aaa"
    with pytest.raises(DataError, match="is not the official archive"):  # cached or not
        cache.find(files)


def test_case_04_the_second_command_fetches_the_official_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing is reached
    lines = "".join(f"{u}\t{i}\t5\t88{u}{i}\n" for u in range(20) for i in range(12))
    with zipfile.ZipFile(tmp_path / "ml-100k.zip", "w") as archive:
        archive.writestr("ml-100k/u.data", lines)
    with pytest.raises(DataError, match="is not the official archive"):
        load("ml_100k", data_dir=tmp_path)
    with pytest.raises(DataError, match="no mirror gave ml-100k.zip"):
        load("ml_100k")


def test_the_official_archive_at_hand_saves_the_download(tmp_path: Path, official: Path) -> None:
    files = wanted(md5(official))
    local = FileCache(official.parent, tmp_path / "cache").find(files)
    assert local["a.txt"].read_text() == "aaa" and local.notes == ()
    official.unlink()
    assert FileCache(None, tmp_path / "cache").find(files)["c.txt"].read_text() == "ccc"


def test_an_archive_of_unknown_checksum_serves_one_command(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "here" / "set.zip", a="mine", c="mine")
    cache = FileCache(archive.parent, tmp_path / "cache")
    local = cache.find(wanted())
    assert local["a.txt"].read_text() == "mine"
    assert "for this command only" in local.notes[0] and "not verified" in local.notes[0]
    assert not files_under(tmp_path / "cache")
    place = local["a.txt"]
    del cache
    assert not place.exists()
    with pytest.raises(DataError, match="no mirror gave set.zip"):
        FileCache(None, tmp_path / "cache").find(wanted())


@pytest.mark.parametrize("harm", ["edited", "removed", "unlisted", "of another archive"])
def test_a_cached_folder_is_verified_before_each_use(
    tmp_path: Path, official: Path, harm: str
) -> None:
    files = wanted(md5(official), official.as_uri())
    cache = FileCache(None, tmp_path / "cache")
    path = cache.find(files)["a.txt"]
    if harm == "edited":
        path.write_text("bad")
    elif harm == "removed":
        path.unlink()
    else:
        path.write_text("toy")
        (listing,) = path.parents[1].glob(".negbench-*.json")
        listing.unlink() if harm == "unlisted" else listing.write_text("{}")
    official.unlink()  # the archive in the cache serves again
    assert cache.find(files)["a.txt"].read_text() == "aaa"
    (tmp_path / "cache" / "set" / "set.zip").unlink()
    path.write_text("bad")
    with pytest.raises(DataError, match="no mirror gave set.zip"):
        cache.find(files)


def test_the_cache_of_an_older_version_is_not_believed(tmp_path: Path, official: Path) -> None:
    inner = tmp_path / "cache" / "set" / "set.zip.unpacked" / "inner"
    inner.mkdir(parents=True)
    for name in ("a", "c"):
        (inner / f"{name}.txt").write_text("toy")
    cache = FileCache(None, tmp_path / "cache")
    assert cache.find(wanted(md5(official), official.as_uri()))["a.txt"].read_text() == "aaa"


def test_a_file_laid_into_the_cache_is_not_the_official_one(tmp_path: Path) -> None:
    (tmp_path / "published.txt").write_text("official")
    url = (tmp_path / "published.txt").as_uri()
    files = DatasetFiles(("set",), ("a.txt",), (Download("a.txt", (url,)),))
    home = tmp_path / "cache" / "set"
    home.mkdir(parents=True)
    (home / "a.txt").write_text("laid there")
    assert FileCache(None, tmp_path / "cache").find(files)["a.txt"].read_text() == "official"
    assert (home / "a.txt.unverified").read_text() == "laid there"


def test_a_file_beside_the_cached_archive_is_not_taken(tmp_path: Path, official: Path) -> None:
    files = wanted(md5(official), official.as_uri())
    cache = FileCache(None, tmp_path / "cache")
    cache.find(files)
    (tmp_path / "cache" / "set" / "a.txt").write_text("beside")
    assert cache.find(files)["a.txt"].read_text() == "aaa"


def test_a_folder_at_hand_says_what_is_known_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(name)
    known = {"a.txt": md5(folder / "a.txt"), "c.txt": "md5:" + "0" * 32}
    files = DatasetFiles(("set",), ("a.txt", "c.txt"), optional=("b.txt",), checksums=known)
    notes = FileCache(tmp_path, tmp_path / "cache").find(files).notes
    assert notes[0] == f"files at hand in {folder}" and len(notes) == 3
    assert notes[1].startswith("c.txt at hand differs from the official file")
    assert "no checksum of the official b.txt is known" in notes[2]
    assert not (tmp_path / "cache").exists()


def test_the_checksum_of_a_single_download_is_that_of_the_file_at_hand(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    files = DatasetFiles(("set",), ("a.txt",), (Download("a.txt", (), "md5:" + "0" * 32),))
    assert any("differs" in note for note in FileCache(tmp_path).find(files).notes)


def test_files_of_two_folders_are_not_mixed(tmp_path: Path, official: Path) -> None:
    (tmp_path / "here" / "set").mkdir(parents=True)
    (tmp_path / "here" / "set" / "a.txt").write_text("one folder")
    (tmp_path / "here" / "c.txt").write_text("another")
    files = wanted(md5(official), official.as_uri())
    local = FileCache(tmp_path / "here", tmp_path / "cache").find(files)
    assert (local["a.txt"].read_text(), local["c.txt"].read_text()) == ("aaa", "ccc")
    assert local.notes == (f"a.txt, c.txt not in {tmp_path / 'here'}: the official files are used",)
