"""Runs a grid: trains the missing cells, and writes run.json and results.csv."""

import json
import os
import shlex
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from negbench.errors import UserError
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.finished.export import keep_ids
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan
from negbench.experiment.progress import Progress
from negbench.experiment.same_data import require_same_data, set_aside
from negbench.experiment.workers.cleanup import sweep
from negbench.experiment.workers.dask_cluster import Cluster, on_cluster
from negbench.experiment.workers.local_pool import (
    CellResult,
    Task,
    in_pool,
    in_process,
    no_room,
)
from negbench.storage import cell_store
from negbench.storage.atomic_write import write_json
from negbench.version import __version__

FREE = {"datasets", "methods", "backbones", "references", "seeds", "objective", "name", "out"}
FREE |= {"jobs", "threads", "device", "data_dir", "plugins", "overwrite", "checkpoint_every"}
FREE |= {"engine", "scheduler", "workers", "shard", "encoder"}
"""Options in which the cells of one folder may differ."""
REFRESH = 10.0
"""Seconds between rebuilds of results.csv while cells are still being worked on."""


@dataclass(frozen=True)
class Result:
    """The outcome of a run: how many cells are done, and which failed."""

    out: Path
    done: int
    failed: tuple[tuple[str, str], ...]
    """Label and reason of every cell that failed."""


def folder_of(options: Options) -> Path:
    """The folder of a run: the same command, the same folder.

    Cells of one folder share data, split and budget, so that its table compares like with like.
    """
    if options.out:
        return Path(options.out).expanduser()
    if options.name:
        return Path("runs") / options.name
    names = "+".join(_plain(name) for name in options.datasets[:3])
    names += f"+{len(options.datasets) - 3}" if len(options.datasets) > 3 else ""
    own = options.as_flat()
    usual = Options().as_flat()
    special = {k: v for k, v in own.items() if k not in FREE and v != usual.get(k)}
    if len(options.datasets) > 3:
        special["datasets"] = list(options.datasets)
    mark = sha256(repr(sorted(special.items())).encode()).hexdigest()[:6]
    return Path("runs") / (f"{names}-{mark}" if special else names)


def _plain(dataset: str) -> str:
    """A data set's name, or its file's, as part of a folder's name."""
    name = Path(dataset).name.split(".")[0]
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in name).strip("-") or "data"


def device_of(options: Options) -> str:
    """The device that `auto` means here.

    Raises UserError for a CUDA device that this machine does not have.
    """
    if options.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if options.device.startswith("cuda"):
        number = int(options.device.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise UserError(
                f"--device must be there; got {options.device} and this machine has "
                f"{torch.cuda.device_count()} CUDA devices; use --device cpu"
            )
    return options.device


def jobs_of(options: Options) -> int:
    """The number of workers; 0 is one for each core."""
    return options.jobs or os.cpu_count() or 1


def missing(plan: Plan, out: Path, overwrite: str) -> list[PlannedCell]:
    """The cells to train: absent or damaged ones, and with `overwrite` failed ones or all."""

    def wanted(planned: PlannedCell) -> bool:
        cell = None if overwrite == "all" else cell_store.find_cell(out, planned.resolved)
        return cell is None or (overwrite == "failed" and not cell.done)

    return [planned for planned in plan.cells if wanted(planned)]


def carry_out(
    options: Options,
    plan: Plan,
    out: Path,
    *,
    command: str = "",
    bar: bool | None = None,
) -> Result:
    """Train the missing cells; results.csv is written at the end and now and then before."""
    device = device_of(options)
    started = begin(options, plan, out, command)
    mine = replace(plan, cells=plan.cells[options.shard[0] - 1 :: options.shard[1]])
    todo = missing(mine, out, options.overwrite)
    jobs = min(jobs_of(options), len(todo))
    tasks = [
        Task(
            planned=each,
            out=started,
            data_dir=options.data_dir,
            device=device,
            threads=options.threads,
            checkpoint_every=options.checkpoint_every,
        )
        for each in todo
    ]
    progress, written = Progress(len(tasks), bar=bar), time.monotonic()

    def on_cell_done(result: CellResult) -> None:
        nonlocal written
        progress.on_cell_done(result)
        if time.monotonic() - written > REFRESH:
            _derive(started)
            written = time.monotonic()

    try:
        if options.engine == "dask" and tasks:
            on_cluster(tasks, Cluster(options.scheduler, options.workers), on_cell_done)
        elif jobs > 1:
            in_pool(tasks, jobs, plan.scenarios, on_cell_done)
        else:
            in_process(tasks, plan.scenarios, on_cell_done, progress.on_epoch)
    finally:
        progress.close()
        _derive(started)
    return outcome(mine, started)


def _derive(out: Path) -> None:
    """Rebuild results.csv from the cell folders."""
    try:
        cell_store.write_results(out)
    except OSError as error:
        raise no_room(out, error) from error


def check(options: Options, plan: Plan, out: Path) -> None:
    """Check, before anything is trained or written, that a run folder's cells are of these data.

    Raises UserError if they are not, and are not to be replaced.
    """
    try:
        before = stored(out)
    except UserError:  # a new folder, or one that lost its run.json
        before = {}
    require_same_data(options, plan, out, before)


def begin(options: Options, plan: Plan, out: Path, command: str) -> Path:
    """Make the folder, clean up after killed runs, and write run.json.

    Raises UserError if the folder cannot be made or its cells are of other data, and NoRoom if it
    cannot be written to.
    """
    check(options, plan, out)
    try:
        (out / "cells").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out must be a folder that can be written; {out}: {error}") from error
    out = out.resolve()
    try:
        return _start(options, plan, out, command)
    except OSError as error:
        raise no_room(out, error) from error


def _start(options: Options, plan: Plan, out: Path, command: str) -> Path:
    sweep(out)
    set_aside(plan, out, options.overwrite)
    for scenario in plan.scenarios.values():
        keep_ids(out, scenario.interactions)
    cells = [_entry(planned) for planned in plan.cells]
    started = {
        "command": command or shlex.join(sys.argv),
        "negbench": __version__,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": options.as_flat(),
        "cells": cells,
        "skipped": list(plan.skipped),
    }
    write_json(out / "run.json", started)
    return out


def _entry(planned: PlannedCell) -> dict[str, Any]:
    names = ("dataset", "backbone", "backbone_variant", "method", "variant", "seed")
    return {"cell": planned.digest, **{name: planned.resolved[name] for name in names}}


def stored(run: Path) -> dict[str, Any]:
    """The options that a run was started with.

    Raises UserError if the folder holds no readable run.json.
    """
    try:
        options: dict[str, Any] = json.loads((run / "run.json").read_text("utf-8"))["options"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"a run to go on with must hold run.json; {run} does not ({error}); "
            "give the folder that `negbench run` named"
        ) from error
    return options


def outcome(plan: Plan, out: Path) -> Result:
    """Count the planned cells on disk: done, and failed with their reasons."""
    done, failed = 0, []
    for planned in plan.cells:
        cell = cell_store.find_cell(out, planned.resolved)
        if cell is not None and cell.done:
            done += 1
        else:
            reason = "was not written" if cell is None else str(cell.record["reason"])
            failed.append((planned.label, reason))
    return Result(out, done, tuple(failed))
