"""Unpack zip and tar archives safely: no path traversal, no links, a size limit."""

import errno
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from negbench.errors import DataError

LIMIT = 16 << 30
"""Most bytes that an archive may unpack to."""
MEMBERS = 100_000
"""Most files in an archive."""
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError)
BROKEN = (*DAMAGED, NotImplementedError, ValueError, OverflowError, IndexError)
"""Exceptions of the libraries for a damaged archive, or a file that is no archive."""
OURS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""OSError codes of the local disk; any other counts as a fault of the archive."""


@dataclass(frozen=True)
class _Member:
    name: str
    is_regular: bool
    open: IO[bytes]


def is_archive(name: str) -> bool:
    """Whether a file of this name is unpacked after its download."""
    return name.endswith((".zip", ".tar.gz", ".tgz", ".tar"))


def unpack(archive: Path, folder: Path, *, limit: int = LIMIT) -> Path:
    """Unpack an archive into `folder`, completely or not at all; an existing folder is kept.

    Raises DataError if the archive is damaged, encrypted, larger than `limit` or holds a link or a
    path outside the folder.
    """
    if folder.is_dir():
        return folder
    aside = folder.with_name(folder.name + ".unpacking")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        _unpack_into(archive, aside, limit)
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno in OURS:
            raise
        reason = " ".join(str(error).split())
        raise DataError(f"{archive} is no readable archive ({reason}); fetch it again") from error
    except RuntimeError as error:  # an encrypted member
        raise DataError(f"{archive} cannot be unpacked: {error}") from error
    else:
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _unpack_into(archive: Path, folder: Path, limit: int) -> None:
    left = limit
    for count, member in enumerate(_members(archive)):
        target = folder / _inside(member, archive)
        target.parent.mkdir(parents=True, exist_ok=True)
        if count >= MEMBERS:
            raise DataError(f"{archive} holds more than {MEMBERS} files; it is refused")
        with target.open("xb") as out:
            left -= _copy(member.open, out, left, archive)


def _copy(source: IO[bytes], out: IO[bytes], left: int, archive: Path) -> int:
    """Copy a member and return the bytes written; the size in its header is not trusted."""
    written = 0
    while block := source.read(1 << 20):
        written += len(block)
        if written > left:
            raise DataError(f"{archive} unpacks to more than the limit allows; it is refused")
        out.write(block)
    return written


def _inside(member: _Member, archive: Path) -> PurePosixPath:
    path = PurePosixPath(member.name)
    windows = PureWindowsPath(member.name)
    outside = path.is_absolute() or windows.drive or windows.root or ".." in windows.parts
    if outside or not path.parts or "\\" in member.name:
        raise DataError(f"{archive} is refused: {member.name!r} would leave its folder")
    if not member.is_regular:
        raise DataError(f"{archive} is refused: {member.name!r} is a link or device, not a file")
    return path


def _members(archive: Path) -> Iterator[_Member]:
    return _zipped(archive) if archive.suffix == ".zip" else _tarred(archive)


def _zipped(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not info.is_dir():
                with opened.open(info) as stream:
                    yield _Member(info.filename, kind in (0, stat.S_IFREG), stream)


def _tarred(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if not info.isdir():
                with _stream(opened, info) as stream:
                    yield _Member(info.name, info.isreg(), stream)


@contextmanager
def _stream(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[IO[bytes]]:
    """The bytes of a member; links are not followed, they may point outside the folder."""
    stream = archive.extractfile(info) if info.isreg() else None
    with stream or io.BytesIO() as opened:
        yield opened
