"""Runs a grid: trains the missing cells, and writes run.json and results.csv."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import torch

from negbench.errors import UserError
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.changed_code import bring_back, earlier_cell, set_aside_other_code
from negbench.experiment.finished.kept_ids import keep_ids
from negbench.experiment.options.command_line import command_line
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan
from negbench.experiment.progress import Progress
from negbench.experiment.same_data import require_same_data, require_same_tuning, set_aside
from negbench.experiment.start_record import start_record
from negbench.experiment.workers.cleanup import sweep
from negbench.experiment.workers.dask_cluster import Cluster, on_cluster
from negbench.experiment.workers.local_pool import (
    CellResult,
    Task,
    in_pool,
    in_process,
    no_room,
)
from negbench.experiment.workers.torchrun import require_divisible
from negbench.experiment.workers.waiting import wait_for
from negbench.ops import row_kernels
from negbench.storage import cell_store, claims, run_file
from negbench.storage.claims import Held
from negbench.storage.split_store import write_split
from negbench.tracking.track import Tracking, require_installed
from negbench.training.data_parallel import current

FREE = {"datasets", "methods", "backbones", "references", "seeds", "objective", "name", "out"}
FREE |= {"jobs", "threads", "device", "data_dir", "plugins", "overwrite", "checkpoint_every"}
FREE |= {"engine", "scheduler", "workers", "shard", "encoder", "track"}
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
        return "cuda" if torch.cuda.is_available() and current().n == 1 else "cpu"
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


def workers_of(options: Options, cells: int) -> int:
    """How many cells are worked on at a time; more jobs than cores make none faster.

    How many workers a running scheduler has is not known here: it counts as one.
    """
    local = min(jobs_of(options), os.cpu_count() or 1)
    return max(1, min(options.workers if options.engine == "dask" else local, cells))


def shard_of(options: Options, plan: Plan) -> Plan:
    """The part of a plan that this process runs."""
    return replace(plan, cells=plan.cells[options.shard[0] - 1 :: options.shard[1]])


def missing(plan: Plan, out: Path, overwrite: str) -> list[PlannedCell]:
    """The cells to train: absent or damaged ones, and with `overwrite` failed ones or all."""

    def wanted(planned: PlannedCell) -> bool:
        if overwrite == "all":
            return True
        cell = cell_store.find_cell(out, planned.resolved) or earlier_cell(planned, out)
        return cell is None or (overwrite == "failed" and not cell.done)

    return [planned for planned in plan.cells if wanted(planned)]


def carry_out(
    options: Options,
    plan: Plan,
    out: Path,
    *,
    command: str = "",
    experiments: Sequence[Options] = (),
    bar: bool | None = None,
) -> Result:
    """Train the missing cells; results.csv is written at the end and now and then before.

    A cell that another process works on is left to it and waited for. `experiments` are what
    run.json shall keep of the plan, where it is more than `options`. Raises UserError where
    NEGBENCH_KERNELS names kernels that cannot run.
    """
    if problem := row_kernels.problem():
        raise UserError(problem)
    device = device_of(options)
    started, attending = begin(experiments or (options,), plan, out, command)
    mine = shard_of(options, plan)
    before = {each.digest: cell_store.version(started, each.resolved) for each in mine.cells}
    todo = missing(mine, out, options.overwrite)
    tasks = [
        Task(
            planned=each,
            out=started,
            data_dir=options.data_dir,
            device=device,
            threads=options.threads,
            checkpoint_every=options.checkpoint_every,
            before=before[each.digest],
        )
        for each in todo
    ]
    alone = len({(each.host, each.process) for each in claims.runners(started)}) == 1
    tracking = Tracking(started, options.track)
    progress, written = Progress(len(tasks), started, bar=bar), time.monotonic()
    held: list[CellResult] = []

    def on_cell_done(result: CellResult) -> None:
        nonlocal written
        if result.holder is not None:
            held.append(result)
            return
        progress.on_cell_done(result)
        if not result.elsewhere:  # else that process tells its own trackers
            tracking.write([result.task.planned.resolved])
        if time.monotonic() - written > REFRESH:
            _derive(started)
            written = time.monotonic()

    try:
        if tasks:
            tracking.watch()
        if alone:
            tracking.write(each.resolved for each in mine.cells)
        while tasks:
            jobs = min(jobs_of(options), len(tasks))
            if options.engine == "dask":
                on_cluster(tasks, Cluster(options.scheduler, options.workers), on_cell_done)
            elif jobs > 1:
                in_pool(tasks, jobs, plan.scenarios, on_cell_done)
            else:
                in_process(tasks, plan.scenarios, on_cell_done)
            others, held[:] = [*held], []
            tasks = wait_for(others, on_cell_done)
    finally:
        attending.release()
        claims.clear(started)
        progress.close()
        tracking.close()
        _derive(started)
    return outcome(mine, started)


def attend(out: Path) -> Held:
    """Tell other processes that this one carries the run out, also between two cells.

    Raises NoRoom where the folder cannot be written to.
    """
    try:
        return claims.attend(out, f"the run {out.name}")
    except OSError as error:
        raise no_room(out, error) from error


def _derive(out: Path) -> None:
    """Rebuild results.csv from the cell folders."""
    try:
        cell_store.write_results(out)
    except OSError as error:
        raise no_room(out, error) from error


def check(options: Options, plan: Plan, out: Path) -> None:
    """Check, before anything is trained or written, that a run folder's cells are of these data.

    Raises UserError if they are not, and are not to be replaced, for a tracker that is not
    installed, and for what several processes cannot train.
    """
    try:
        before = run_file.experiments(run_file.read(out))[-1]
    except UserError:  # a new folder, or one that lost its run.json
        before = {}
    require_installed(options.track)
    require_divisible(options, plan, out)
    require_same_data(options, plan, out, before)
    require_same_tuning(plan, out, options.overwrite)


def begin(experiments: Sequence[Options], plan: Plan, out: Path, command: str) -> tuple[Path, Held]:
    """Make the folder, clean up after killed runs, and write run.json.

    Returns the folder, and what tells other processes of this one until it is released.

    Raises UserError if the folder cannot be made or its cells are of other data, and NoRoom if it
    cannot be written to.
    """
    check(experiments[-1], plan, out)
    try:
        (out / "cells").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out must be a folder that can be written; {out}: {error}") from error
    out = out.resolve()
    attending = attend(out)
    try:
        sweep(out)
        set_aside(plan, out, experiments[-1].overwrite)
        set_aside_other_code(plan, out)
        if experiments[-1].overwrite != "all":
            bring_back(plan, out)
        for scenario in plan.scenarios.values():
            keep_ids(out, scenario.interactions)
            write_split(out, scenario.split.hash, scenario.kept_parts)
        for options in experiments:
            run_file.add_start(out, start_record(options, plan, command or command_line(options)))
        return out, attending
    except BaseException as error:
        attending.release()
        claims.clear(out)
        if isinstance(error, OSError):
            raise no_room(out, error) from error
        raise


def outcome(plan: Plan, out: Path) -> Result:
    """Count the planned cells on disk: done, and failed with their reasons."""
    done, failed = 0, []
    for planned in plan.cells:
        cell = cell_store.find_cell(out, planned.resolved)
        if cell is not None and cell.done:
            done += 1
        else:
            reason = "was not written" if cell is None else cell.failure
            failed.append((planned.label, reason))
    return Result(out, done, tuple(failed))
