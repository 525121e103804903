"""Removes half-written files of killed processes, which carry the process id in their name."""

import os
import re
import shutil
from pathlib import Path

_ASIDE = re.compile(r"\..+\.(\d+)\.[0-9a-f]{8}(\.old)?")


def sweep(run: Path) -> list[Path]:
    """Remove the hidden half-written files of dead processes; those of live ones stay."""
    removed = []
    for place in (run, run / "cells", run / "checkpoints"):
        for path in place.glob(".*") if place.is_dir() else ():
            match = _ASIDE.fullmatch(path.name)
            if match and not _alive(int(match[1])):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                removed.append(path)
    return removed


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
