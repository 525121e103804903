"""Status of a run, read from its folder alone: also while another process works on it."""

import json
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negbench.errors import NothingToReport
from negbench.storage.cell_store import Cell, read_cells

SLOWEST = 3
_ENTRY = {"cell", "dataset", "backbone", "backbone_variant", "method", "variant", "seed"}


@dataclass(frozen=True)
class Status:
    """Counts of the planned cells, the reasons of failures, and the time left."""

    run: str
    command: str
    done: int
    failed: dict[str, str]
    """Label to reason."""
    pending: tuple[str, ...]
    other: int
    """Cells of earlier commands in the same folder."""
    damaged: tuple[str, ...]
    seconds_left: float | None
    """Of the pending cells one after the other over `jobs`; None where no cell is done yet."""
    slowest: tuple[tuple[str, float], ...]


def status(run: Path) -> Status:
    """Read a run folder. Raises NothingToReport if it holds no run."""
    cells, damaged = read_cells(run) if run.is_dir() else ([], [])
    started = _started(run)
    if not cells and not started:
        raise NothingToReport(f"a run folder must hold a run; {run} holds none; start with run -o")
    by_name = {cell.folder.name: cell for cell in cells}
    planned = _planned(started) or [_entry(cell) for cell in cells]
    there = [by_name[each["cell"]] for each in planned if each["cell"] in by_name]
    pending = [each for each in planned if each["cell"] not in by_name]
    done = [cell for cell in there if cell.done]
    return Status(
        run=str(run),
        command=str(started.get("command", "")),
        done=len(done),
        failed={_label(_entry(c)): str(c.record["reason"]) for c in there if not c.done},
        pending=tuple(_label(each) for each in pending),
        other=len(cells) - len(there),
        damaged=tuple(damaged),
        seconds_left=_left(pending, done, _at_a_time(started.get("options"))),
        slowest=tuple(
            (_label(_entry(cell)), _seconds(cell))
            for cell in sorted(done, key=_seconds, reverse=True)[:SLOWEST]
        ),
    )


def _started(run: Path) -> dict[str, Any]:
    try:
        started = json.loads((run / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return started if isinstance(started, dict) else {}


def _planned(started: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of the plan; anything else in its place is ignored."""
    cells = started.get("cells")
    entries = cells if isinstance(cells, list) else []
    return [each for each in entries if isinstance(each, dict) and _ENTRY <= each.keys()]


def _at_a_time(options: Any) -> int:
    """How many cells run at once: processes here (0 is one a core) or dask's workers."""
    given = options if isinstance(options, dict) else {}
    jobs, workers = (given.get(name, 1) for name in ("jobs", "workers"))
    if isinstance(workers, int) and workers > 0 and given.get("engine") == "dask":
        return workers
    return (jobs or os.cpu_count() or 1) if isinstance(jobs, int) and jobs >= 0 else 1


def _left(pending: Sequence[dict[str, Any]], done: Sequence[Cell], jobs: int) -> float | None:
    """The mean time of done cells of the same kind; where there is none, of all done cells."""
    if not pending:
        return 0.0
    if not done:
        return None
    alike: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for cell in done:
        alike[_kind(_entry(cell))].append(_seconds(cell))
    every = sum(map(_seconds, done)) / len(done)
    means = {kind: sum(seconds) / len(seconds) for kind, seconds in alike.items()}
    return sum(means.get(_kind(each), every) for each in pending) / jobs


def _entry(cell: Cell) -> dict[str, Any]:
    names = sorted(_ENTRY - {"cell"})
    return {"cell": cell.folder.name, **{name: cell.spec.get(name, "") for name in names}}


def _kind(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(entry[name]) for name in ("dataset", "backbone", "method"))


def _label(entry: dict[str, Any]) -> str:
    backbone, method = (
        f"{entry[name]}({entry[variant]})" if entry.get(variant) else str(entry[name])
        for name, variant in (("backbone", "backbone_variant"), ("method", "variant"))
    )
    return f"{entry['dataset']} {backbone} {method}/{entry['seed']}"


def _seconds(cell: Cell) -> float:
    """Wall time of a cell; 0 where its record does not hold it."""
    try:
        return float(cell.record["seconds"]["wall"]["total"])
    except (KeyError, TypeError, ValueError):
        return 0.0
