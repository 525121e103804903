"""Archives that try to leave their folder, or to fill the disk, are refused whole."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from negbench.data.download.archives import unpack
from negbench.errors import DataError

OUTSIDE = ["../evil", "a/../../evil", "/tmp/evil", "C:\\evil", "..\\evil", "C:/evil"]


def zipped(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bag:
        for name, data in members:
            bag.writestr(name, data)
    return path


def tarred(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as bag:
        for info in members:
            data = b"x" * info.size if info.isreg() else b""
            bag.addfile(info, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = 3 if kind == tarfile.REGTYPE else 0
    return info


def files_under(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_a_good_archive_is_unpacked(tmp_path: Path, form: str) -> None:
    if form == "zip":
        archive = zipped(tmp_path / "a.zip", ("d/one", b"111"), ("two", b"22"))
    else:
        archive = tarred(tmp_path / "a.tar.gz", member("d/one"), member("two"))
    assert files_under(unpack(archive, tmp_path / "out")) == {"d/one", "two"}


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_no_file_leaves_the_folder(tmp_path: Path, name: str, form: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if form == "zip":
        archive = zipped(home / "a.zip", ("good", b"1"), (name, b"bad"))
    else:
        archive = tarred(home / "a.tar.gz", member("good"), member(name))
    with pytest.raises(DataError, match="would leave its folder"):
        unpack(archive, home / "out")
    assert files_under(tmp_path) == {f"home/{archive.name}"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = tarred(tmp_path / "a.tar.gz", member("link", kind, "/etc/passwd"), member("link/x"))
    with pytest.raises(DataError, match="link or device"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bag:
        bag.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="link or device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("pieces", [1, 4])
def test_a_bomb_is_refused_and_nothing_stays(tmp_path: Path, pieces: int) -> None:
    zeros = b"\0" * (4_000_000 // pieces)
    archive = zipped(tmp_path / "a.zip", *((f"z{i}", zeros) for i in range(pieces)))
    with pytest.raises(DataError, match="more than the limit"):
        unpack(archive, tmp_path / "out", limit=3_999_999)
    assert files_under(tmp_path) == {"a.zip"}
    assert unpack(archive, tmp_path / "out", limit=4_000_000).is_dir()


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_broken_archive_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no archive at all")
    with pytest.raises(DataError, match="no readable archive"):
        unpack(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()
