"""Integrity check of a cell folder; errors are clauses that the caller completes to sentences.

Run folders are copied, merged, truncated and shared, so a file may hold anything. A failed check is
a ValueError or OSError; `cell_store` makes it a sentence and goes on with the other cells.
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
"""The record format that this version writes; newer ones are refused."""
_NAMES = (("dataset", str), ("backbone", str), ("method", str), ("variant", str), ("seed", int))
_ROW = (("split", str), ("metric", str), ("k", int), ("band", str), ("value", float | int | None))


class Damaged(UserError, ValueError):
    """A file of a cell that exists and cannot be read."""


@contextmanager
def intact_file(path: Path) -> Iterator[None]:
    """Context of reading a file of a cell.

    Raises Damaged, with one sentence that names the file, if reading fails.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        remedy = "run it again"
        if path.parent.parent.name == "cells":  # a run keeps finished cells as they are
            remedy = f"remove the folder {path.parent.name} and run again"
        raise Damaged(
            f"{path.name} must be whole; {path} is not ({_reason(error)}); {remedy}"
        ) from error


def intact_record(folder: Path) -> dict[str, Any]:
    """Read and check the record of a cell folder.

    Raises ValueError if it is no intact record of this format.
    """
    try:
        record = json.loads(_record_text(folder))
    except json.JSONDecodeError:
        raise ValueError("its cell.json is no JSON, or cut short") from None
    except RecursionError:
        raise ValueError("its cell.json is nested beyond reading") from None
    if fault := _fault(record):
        raise ValueError(fault)
    if record["status"] == "done" and not zipfile.is_zipfile(folder / "users.npz"):
        raise ValueError("users.npz is missing or cut short")
    checked: dict[str, Any] = record
    return checked


def _record_text(folder: Path) -> str:
    """The content of cell.json; only a regular file is opened: a pipe would block the reader."""
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
    """Why this is no valid record of a cell; empty if it is one."""
    if not isinstance(record, dict):
        return "cell.json holds no record"
    version = record.get("format")
    if isinstance(version, int) and version > FORMAT:
        return f"format {version} is newer than {FORMAT}, the newest that this negbench reads"
    if version != FORMAT:
        return f"format {version!r}, not {FORMAT}"
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


def _reason(error: Exception) -> str:
    """The error in words for users."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    line = " ".join(str(error).split()).rstrip(".")
    return "it holds pickles, never read: allow_pickle is off" if "allow_pickle" in line else line
