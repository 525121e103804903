"""File stamps: what a cache of a file's content is keyed by, so that an edited file is read again.

A stamp is the absolute path, the size and the times of change; files small enough to be written
twice within one tick of the clock add the checksum of their content.
"""

import hashlib
from pathlib import Path

Stamp = tuple[str, int, int, int, int, str] | tuple[str]
"""Absolute path, size, modification and change time in ns, inode, checksum; the path alone where
there is no file."""
SMALL = 4 << 20
"""Bytes up to which the content is hashed: a few milliseconds."""


def stamp(path: Path) -> Stamp:
    """The stamp of a file, or of an absent one."""
    where = str(path.absolute())
    try:
        now = path.stat()
        small = path.is_file() and now.st_size <= SMALL
        content = hashlib.sha256(path.read_bytes()).hexdigest() if small else ""
    except OSError:
        return (where,)
    return (where, now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, content)


def stamps_in(path: Path, *, deep: bool = False) -> tuple[Stamp, ...]:
    """The stamp of a file, or of the files of a folder by path, with `deep` at any depth."""
    if not path.is_dir():
        return (stamp(path),)
    files = path.rglob("*") if deep else path.iterdir()
    return tuple(stamp(each) for each in sorted(files) if not each.is_dir())
