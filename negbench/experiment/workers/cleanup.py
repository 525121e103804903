"""Removes half-written files of killed processes, which carry process and machine in their name."""

import shutil
import time
from pathlib import Path

from negbench.storage import claims
from negbench.storage.atomic_write import ASIDE
from negbench.storage.machine import lives, machine_mark

PLACES = ("cells", "checkpoints", claims.FOLDER, "ids", "splits", "searches", "tensorboard")
"""Folders of a run in which files are made."""
_FOREIGN = 24 * 3600.0
"""Seconds after which what another machine left half-written counts as left for good."""


def sweep(run: Path) -> list[Path]:
    """Remove the hidden half-written files of dead processes; those of live ones stay.

    Whether a process of another machine lives is not known here: its files stay for a day.
    """
    removed = []
    for place in (run, *(run / name for name in PLACES)):
        for path in place.glob(".*") if place.is_dir() else ():
            match = ASIDE.fullmatch(path.name)
            if match and _left(path, int(match["process"]), match["mark"]):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                removed.append(path)
    return removed


def _left(path: Path, process: int, mark: str | None) -> bool:
    """Whether nobody writes a file any more; names of earlier versions have no mark."""
    if mark in (None, machine_mark()):
        return lives(process) is False
    try:
        return time.time() - path.stat().st_mtime > _FOREIGN
    except OSError:  # it went by itself
        return False
