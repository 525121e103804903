"""Unpacked archives of the cache: a list of its files' checksums lies in each, checked before use.

A folder without such a list, or with one of another archive, is not believed: it may have been
made from any file of that name.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from negbench.data.download.archives import unpack
from negbench.data.download.checksums import checksum_of

LIST = ".negbench-files.json"
"""The list, in the folder: the checksum of the archive and of every file, by relative path."""


def unpack_listed(archive: Path, folder: Path, checksum: str) -> None:
    """Unpack an archive whose checksum is known to be this one; what was in `folder` is replaced.

    Raises DataError if the archive is damaged.
    """
    aside = folder.with_name(f"{folder.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    unpack(archive, aside)
    try:
        files = sorted(path for path in aside.rglob("*") if path.is_file())
        sums = {path.relative_to(aside).as_posix(): checksum_of(path, "sha256") for path in files}
        content = json.dumps({"archive": checksum, "files": sums}, indent=1)
        (aside / LIST).write_text(content, "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            aside.rename(folder)
        except OSError:
            if _list(folder, checksum) is None:  # else another process was as quick
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def listed_files(folder: Path, checksum: str, names: Iterable[str]) -> dict[str, Path] | None:
    """The files of these names, plain or gzipped, wherever they are in an unpacked archive.

    None if the folder is not of the archive with this checksum, or one of the files has changed.
    """
    sums = _list(folder, checksum)
    if sums is None:
        return None
    paths = {name: path for name in names if (path := _nearest(folder, sums, name)) is not None}
    intact = all(
        path.is_file() and checksum_of(path, "sha256") == sums[path.relative_to(folder).as_posix()]
        for path in paths.values()
    )
    return paths if intact else None


def _list(folder: Path, checksum: str) -> Mapping[str, str] | None:
    try:
        content = json.loads((folder / LIST).read_text("utf-8"))
        sums: Mapping[str, str] = content["files"]
        return sums if checksum and content["archive"] == checksum else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _nearest(folder: Path, sums: Mapping[str, str], name: str) -> Path | None:
    """The file of a name that lies least deep; plain before gzipped."""
    for form in (name, name + ".gz"):
        hits = [folder / each for each in sums if each.rpartition("/")[2] == form]
        if hits:
            return min(hits, key=lambda path: (len(path.parts), path.as_posix()))
    return None
