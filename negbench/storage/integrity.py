"""Whether a folder holds a whole cell: its record read and checked, each fault a sentence's middle.

Run folders are copied, merged, cut short and shared, so anything may lie in one. What fails here is
a ValueError or OSError; `records` makes it a sentence and goes on with the rest.
"""

import json
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from negbench.errors import UserError

FORMAT = 1
"""The newest format of a cell that this negbench writes and reads."""
_NAMES = (("dataset", str), ("backbone", str), ("method", str), ("variant", str), ("seed", int))
_ROW = (("split", str), ("metric", str), ("k", int), ("band", str), ("value", float | int | None))


class Damaged(UserError, ValueError):
    """A file of a cell that is there and cannot be read."""


@contextmanager
def whole_file(path: Path) -> Iterator[None]:
    """Whatever goes wrong while this file is read is one sentence that names it."""
    try:
        yield
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        why = _plain(error)
        raise Damaged(f"{path.name} must be whole; {path} is not ({why}); run it again") from error


def whole_record(folder: Path) -> dict[str, Any]:
    """The record of the cell in this folder."""
    try:
        record = json.loads(_text(folder))
    except json.JSONDecodeError:
        raise ValueError("its cell.json is no JSON, or cut short") from None
    except RecursionError:
        raise ValueError("its cell.json is nested beyond reading") from None
    if fault := _fault(record):
        raise ValueError(fault)
    if record["status"] == "done" and not zipfile.is_zipfile(folder / "users.npz"):
        raise ValueError("users.npz is missing or cut short")
    found: dict[str, Any] = record
    return found


def _text(folder: Path) -> str:
    """What cell.json says; anything but a plain file is refused before it can block the reader."""
    path = folder / "cell.json"
    try:
        kind = path.stat().st_mode
    except NotADirectoryError:
        raise ValueError("it is a file, not the folder of a cell") from None
    except FileNotFoundError:
        raise ValueError("it holds no cell.json") from None
    if not stat.S_ISREG(kind):
        raise ValueError("its cell.json is no file")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ValueError("its cell.json is not text") from None


def _fault(record: Any) -> str:
    """What keeps this from being the record of a cell; empty if nothing does."""
    if not isinstance(record, dict):
        return "cell.json holds no record"
    found = record.get("format")
    if isinstance(found, int) and found > FORMAT:
        return f"format {found} is newer than {FORMAT}, the newest that this negbench reads"
    if found != FORMAT:
        return f"format {found!r}, not {FORMAT}"
    spec = record.get("spec")
    if not isinstance(spec, dict) or record.get("status") not in ("done", "failed"):
        return "no spec or status"
    for name, kind in _NAMES:
        if not isinstance(spec.get(name), kind):
            return f"its spec has no {name}"
    if record["status"] == "failed" and not isinstance(record.get("reason"), str):
        return "it failed and says no reason"
    if record["status"] == "done" and not _are_metrics(record.get("metrics")):
        return "its metrics are no rows of split, metric, k, band and value"
    return ""


def _are_metrics(rows: Any) -> bool:
    return isinstance(rows, list) and all(
        isinstance(row, dict)
        and all(name in row and isinstance(row[name], kind) for name, kind in _ROW)
        for row in rows
    )


def _plain(error: Exception) -> str:
    """What went wrong, for those who did not write the program."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    line = " ".join(str(error).split()).rstrip(".")
    return "it holds pickles, never read: allow_pickle is off" if "allow_pickle" in line else line
