"""Works through cells, here or in worker processes; one that fails is recorded, the rest go on.

The bits of a cell do not depend on where it ran: every process takes the same number of threads,
and a cell draws from its own seed alone.
"""

import errno
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, connection, get_context, parent_process
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any

import torch

from negbench.errors import NoRoom, UserError
from negbench.experiment.cell.record import cards, environment
from negbench.experiment.cell.run import run_cell
from negbench.experiment.cell.spec import CellSpec
from negbench.experiment.plan import scenario_of
from negbench.experiment.workers.shared_memory import Shared, shared
from negbench.plugins import registry
from negbench.scenario.scenario import Scenario
from negbench.storage import cell_store

DIED = (
    "its worker process died, perhaps for want of memory; lower --jobs or choose smaller settings"
)
NO_MEMORY = "it must fit the memory; lower --jobs, batch_size or the method's own sizes"
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}


@dataclass(frozen=True)
class Task:
    """One cell to work on, with all that a worker must know."""

    spec: CellSpec
    resolved: dict[str, Any]
    cell: str
    label: str
    out: Path
    data_dir: str | None
    device: str
    threads: int
    checkpoint_every: int


@dataclass(frozen=True)
class Done:
    """What came of a task; `reason` is empty where it went well."""

    task: Task
    reason: str = ""
    best_valid: float | None = None
    seconds: float = 0.0


Report = Callable[[Done], None]
Tell = Callable[[Task, Mapping[str, float]], None]


def work(task: Task, scenario: Scenario | None = None, tell: Tell | None = None) -> Done:
    """Train, rank and record one cell; whatever goes wrong becomes its record."""
    try:
        scenario = scenario or scenario_of(task.spec, task.data_dir)
        folder = run_cell(
            task.spec,
            scenario,
            task.out,
            device=task.device,
            threads=task.threads,
            tell=(lambda row: tell(task, row)) if tell else None,
            checkpoint_every=task.checkpoint_every,
        )
        record = cell_store.read_cell(folder).record
    except OSError as error:
        if error.errno in UNWRITABLE:  # no fault of the cell: the next would meet it too
            raise no_room(task.out, error) from error
        return fail(task, _reason(error), _trace(error), scenario)
    except Exception as error:
        return fail(task, _reason(error), _trace(error), scenario)
    best = record["fit"].get("best_valid")
    return Done(task, "", best, record["seconds"]["wall"]["total"])


def no_room(out: Path, error: OSError) -> NoRoom:
    """One sentence for a folder that cannot be written to."""
    why = error.strerror or type(error).__name__
    return NoRoom(
        f"the run's folder must be writable; {out} is not ({why}); finished cells are kept: "
        f"make room and go on with negbench resume {out}"
    )


def fail(task: Task, reason: str, trace: str = "", scenario: Scenario | None = None) -> Done:
    """Record a cell that could not be had."""
    record = {
        "status": "failed",
        "reason": reason,
        "traceback": trace,
        "spec": task.resolved,
        **cards(task.spec),
        **(scenario.record() if scenario else {}),
        "metrics": [],
        "environment": environment(torch.device(task.device)),
    }
    cell_store.write_cell(task.out, record)
    return Done(task, reason)


def here(tasks: list[Task], scenarios: Mapping[str, Scenario], report: Report, tell: Tell) -> None:
    """One after the other in this process."""
    for task in tasks:
        report(work(task, scenarios[task.spec.dataset], tell))


def in_pool(
    tasks: list[Task], jobs: int, scenarios: Mapping[str, Scenario], report: Report
) -> None:
    """In worker processes; where one dies, what it may have worked on is tried once more, alone."""
    waiting = deque(tasks)
    with shared(scenarios) as held:
        while waiting:
            for suspect in _until_broken(waiting, jobs, held, report):
                if _until_broken(deque([suspect]), 1, held, report):
                    report(fail(suspect, DIED))


def _until_broken(
    waiting: deque[Task], jobs: int, held: Shared | None, report: Report
) -> list[Task]:
    """Empty the queue; the tasks that were under way if a worker died, else none."""
    flying: dict[Future[Done], Task] = {}
    with _pool(min(jobs, len(waiting)), held) as pool:
        try:
            while waiting or flying:
                while waiting and len(flying) < jobs:
                    flying[pool.submit(_work, waiting[0])] = waiting[0]
                    waiting.popleft()
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    done = future.result()
                    del flying[future]
                    report(done)
        except BrokenProcessPool:
            return list(flying.values())
    return []


@contextmanager
def _pool(jobs: int, held: Shared | None) -> Iterator[ProcessPoolExecutor]:
    """Workers of our own; an interrupt ends them at once instead of waiting for their cells."""
    before = set(active_children())
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=_begin, initargs=(registry.plugins(), held)
    )
    try:
        yield pool
    except BaseException:
        for child in set(active_children()) - before:
            child.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


_GROUNDS: dict[str, Scenario] = {}
"""A worker's scenarios, by data set: its parent's, mapped."""


def _begin(plugins: tuple[str, ...], held: Shared | None) -> None:
    """A worker's first act: know the plug-ins, leave Ctrl-C to the parent, and die with it."""
    signal(SIGINT, SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    for path in plugins:
        registry.add_plugin(path)
    if held is not None:
        _GROUNDS.update(held.open())


def _work(task: Task) -> Done:
    """In a worker: on the scenario that was handed to it, or one of its own."""
    return work(task, _GROUNDS.get(task.spec.dataset))


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _reason(error: Exception) -> str:
    said = " ".join(str(error).split())[:500]
    told = said if isinstance(error, UserError) else f"{type(error).__name__}: {said}".rstrip(": ")
    return f"{NO_MEMORY} ({told})" if _wants_memory(error) else told


def _wants_memory(error: Exception) -> bool:
    """Python, numpy and CUDA have an error for it; torch on the CPU has only words."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


def _trace(error: Exception) -> str:
    return "" if isinstance(error, UserError) else "".join(traceback.format_exception(error))
