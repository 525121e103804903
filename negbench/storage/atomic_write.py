"""Atomic writes: a temporary file is renamed, so no reader or kill leaves half a file."""

import json
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from negbench.storage.machine import machine_mark

ASIDE = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)\.(?P<mark>[0-9a-f]{8})?[0-9a-f]{8}(\.old)?")
"""The name of a file in the making, as `aside` gives it; those of earlier versions have no mark."""


def aside(path: Path) -> Path:
    """A hidden name beside `path` for a file in the making.

    It holds process and machine, so that what a killed process leaves can be told and swept.
    """
    return path.with_name(f".{path.name}.{os.getpid()}.{machine_mark()}{uuid.uuid4().hex[:8]}")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; numbers stay exact, NaN becomes null."""
    write_text(
        path, json.dumps(_jsonable(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    )


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically.

    Half of a character, as names of files that are no UTF-8 have, becomes an escape: of JSON that
    of the character itself.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically."""
    temporary = aside(path)
    temporary.write_bytes(content)
    temporary.replace(path)


def link_new(temporary: Path, path: Path) -> bool:
    """Make `path` of a whole file `temporary`, at once; False where another was there before.

    Of several processes one wins. A second link tells it where an answer of the network got lost
    and the request was repeated.
    """
    try:
        os.link(temporary, path)
        return True
    except OSError as error:
        if temporary.stat().st_nlink == 2:
            return True
        if isinstance(error, FileExistsError):
            return False
    try:  # a file system without hard links
        with path.open("xb") as file:
            file.write(temporary.read_bytes())
    except FileExistsError:
        return False
    return True


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
