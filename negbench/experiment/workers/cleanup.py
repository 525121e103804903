"""What a killed process left half written: found by its name, removed once its process is gone."""

import os
import re
import shutil
from pathlib import Path

_ASIDE = re.compile(r"\..+\.(\d+)\.[0-9a-f]{8}(\.old)?")


def sweep(run: Path) -> list[Path]:
    """Remove the hidden half-written files of dead processes; those of living ones stay."""
    gone = []
    for place in (run, run / "cells", run / "checkpoints"):
        for path in place.glob(".*") if place.is_dir() else ():
            found = _ASIDE.fullmatch(path.name)
            if found and not _alive(int(found[1])):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                gone.append(path)
    return gone


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
