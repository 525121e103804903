"""Status of a run, read from its folder alone: also while another process works on it."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from negbench.errors import NothingToReport
from negbench.experiment.finished.time_left import Ended, kind_of, time_left
from negbench.plugins.row_terms import cell_words
from negbench.storage import claims, run_file, split_folders
from negbench.storage.cell_store import Cell, read_cells
from negbench.storage.claims import Claim
from negbench.storage.search_store import whole_search
from negbench.storage.training_end import before_phase, capped
from negbench.storage.training_progress import TrainingProgress

SLOWEST = 3


@dataclass(frozen=True)
class Working:
    """Who works on a cell at the moment, or did until the process or its machine was lost."""

    host: str
    process: int
    label: str
    seconds: float
    """Since the work began."""
    heartbeat: float
    """Seconds since the last sign of life."""
    stale: bool
    """Whether whoever works here next takes the cell over."""
    progress: TrainingProgress | None = None
    """Epochs and best value; None before the first epoch has ended, and of a reference."""


@dataclass(frozen=True)
class Status:
    """Counts of the planned cells, the reasons of failures, and the time left."""

    run: str
    command: str
    """The command that the run was started with."""
    done: int
    failed: dict[str, str]
    """Label to reason."""
    pending: tuple[str, ...]
    other: int
    """Cells in the same folder that no command plans any more: their settings or data changed."""
    damaged: tuple[str, ...]
    seconds_left: float | None
    """Until the last pending cell ends, with `jobs` cells at a time or, if more are at work, as
    many as those; None where nothing tells it yet."""
    slowest: tuple[tuple[str, float], ...]
    trained: int = 0
    """Done cells that were trained: all but the references."""
    capped: int = 0
    """How many of them were still rising when the budget ended."""
    warm_up_only: int = 0
    """How many of them keep weights from before their method's own phase."""
    go_on: str = ""
    """The command that works on what is pending; empty while the run is alive."""
    working: tuple[Working, ...] = ()
    alive: tuple[str, ...] = ()
    """Host and number of every live process that carries the run out or works on a cell of it."""
    no_early_stop: bool = False
    """Whether `seconds_left` counts whole budgets, since no cell like those at work has ended."""
    unlike: int = 0
    """Pending cells that `seconds_left` takes for the mean of other methods, data or backbones."""


def status(run: Path) -> Status:
    """Read a run folder, or the split folders of a run repeated over splits, added up.

    Raises NothingToReport if it holds no run.
    """
    if folders := split_folders.split_folders(run):
        return _added_up(run, [(each.name, status(each)) for each in folders])
    cells, damaged = read_cells(run) if run.is_dir() else ([], [])
    started = _started(run)
    if not cells and not started:
        raise NothingToReport(f"a run folder must hold a run; {run} holds none; start with run -o")
    by_name = {cell.folder.name: cell for cell in cells}
    planned = run_file.planned(started) or [_entry(cell) for cell in cells]
    there = [by_name[each["cell"]] for each in planned if each["cell"] in by_name]
    pending = [each for each in planned if each["cell"] not in by_name]
    done = [cell for cell in there if cell.done]
    fits = [(cell.record.get("fit") or {}, cell.spec.get("train") or {}) for cell in done]
    trained = [(fit, train) for fit, train in fits if "epochs" in fit]
    done_names = {cell.folder.name for cell in done}
    claimed = [each for each in claims.claims(run) if not (each.stale and each.cell in done_names)]
    live = {each.cell: each for each in claimed if not each.stale}
    owners = (f"{each.host} pid {each.process}" for each in [*claims.runners(run), *live.values()])
    alive = tuple(dict.fromkeys(owners))
    options = run_file.experiments(started)[-1]
    at_a_time = max(_at_a_time(options), len(live))
    left = time_left(pending, [_ended(each) for each in done], live, at_a_time)
    return Status(
        run=str(run),
        command=str(started.get("command", "")),
        done=len(done),
        failed={_label(_entry(c)): c.failure for c in there if not c.done},
        pending=tuple(_label(each) for each in pending),
        other=len(cells) - len(there),
        damaged=tuple(damaged),
        seconds_left=left.seconds,
        slowest=tuple(
            (_label(_entry(cell)), _seconds(cell))
            for cell in sorted(done, key=_seconds, reverse=True)[:SLOWEST]
        ),
        trained=len(trained),
        capped=sum(capped(fit, train) for fit, train in trained),
        warm_up_only=sum(before_phase(fit) for fit, _ in trained),
        go_on="" if alive else _go_on(run, options),
        working=tuple(map(_working, claimed)),
        alive=alive,
        no_early_stop=left.no_early_stop,
        unlike=left.unlike,
    )


def _working(claim: Claim) -> Working:
    return Working(
        host=claim.host,
        process=claim.process,
        label=claim.label,
        seconds=claim.seconds,
        heartbeat=min(claim.silent, claim.progress.age if claim.progress else claim.silent),
        stale=claim.stale,
        progress=claim.progress,
    )


def _added_up(run: Path, splits: Sequence[tuple[str, Status]]) -> Status:
    """The status of a run over splits: each label with its split, the rest as sums."""
    parts = [part for _, part in splits]
    left = [part.seconds_left for part in parts]
    unfinished = [part for part in parts if part.pending]
    slowest = [(f"{name} {label}", sec) for name, part in splits for label, sec in part.slowest]
    sums = {
        name: sum(getattr(part, name) for part in parts)
        for name in ("done", "other", "trained", "capped", "warm_up_only", "unlike")
    }
    return replace(
        parts[0],
        run=str(run),
        failed={f"{name} {label}": why for name, p in splits for label, why in p.failed.items()},
        pending=tuple(f"{name} {label}" for name, p in splits for label in p.pending),
        damaged=tuple(sentence for part in parts for sentence in part.damaged),
        working=tuple(
            replace(each, label=f"{name} {each.label}") for name, p in splits for each in p.working
        ),
        seconds_left=None if None in left else sum(seconds or 0.0 for seconds in left),
        slowest=tuple(sorted(slowest, key=lambda each: each[1], reverse=True)[:SLOWEST]),
        alive=tuple(dict.fromkeys(owner for part in parts for owner in part.alive)),
        no_early_stop=any(part.no_early_stop for part in parts),
        go_on=_first_dead(unfinished or parts),
        **sums,
    )


def _first_dead(parts: Sequence[Status]) -> str:
    """What goes on with the first split that nobody works on; nothing where any is alive."""
    return "" if any(part.alive for part in parts) else parts[0].go_on


def _started(run: Path) -> dict[str, Any]:
    try:
        started = json.loads((run / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return started if isinstance(started, dict) else {}


def _go_on(run: Path, options: Any) -> str:
    """A resume keeps the shard of the last command, so it would leave the other shards pending.

    The trials of a search go on with the search.
    """
    if (search := whole_search(run)) != run:
        return f"negbench resume {quote(str(search))}"
    shard = options.get("shard") if isinstance(options, dict) else None
    if shard in (None, [1, 1], "1/1"):
        return f"negbench resume {quote(str(run))}"
    return f"negbench run {quote(str(run / run_file.NAME))}"


def _at_a_time(options: Any) -> int:
    """How many cells run at once: processes here (0 is one a core) or dask's workers."""
    given = options if isinstance(options, dict) else {}
    jobs, workers = (given.get(name, 1) for name in ("jobs", "workers"))
    if isinstance(workers, int) and workers > 0 and given.get("engine") == "dask":
        return workers
    return (jobs or os.cpu_count() or 1) if isinstance(jobs, int) and jobs >= 0 else 1


def _ended(cell: Cell) -> Ended:
    fit = cell.record.get("fit")
    epochs = fit.get("epochs") if isinstance(fit, dict) else None
    trained = epochs if isinstance(epochs, int | float) else 0
    return Ended(kind_of(_entry(cell)), _seconds(cell), trained)


def _entry(cell: Cell) -> dict[str, Any]:
    spec = {name: "" for name in run_file.ENTRY} | cell.spec
    label = cell_words(spec)
    names = {name: spec[name] for name in run_file.ENTRY}
    return {"cell": cell.folder.name, **names, "label": label}


def _label(entry: dict[str, Any]) -> str:
    return str(entry.get("label") or cell_words(entry))


def _seconds(cell: Cell) -> float:
    """Wall time of a cell; 0 where its record does not hold it."""
    try:
        return float(cell.record["seconds"]["wall"]["total"])
    except (KeyError, TypeError, ValueError):
        return 0.0
