"""Run cells in this process or in a pool; a cell that fails is recorded, the others go on.

The bits of a cell do not depend on where it ran: every process takes the same number of threads,
and a cell samples from its own seed alone.
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
from dataclasses import dataclass, replace
from multiprocessing import active_children, connection, get_context, parent_process
from pathlib import Path
from shlex import quote
from signal import SIG_IGN, SIGINT, signal

import torch

from negbench.errors import NoRoom, UserError
from negbench.experiment.cell.record import cards, environment
from negbench.experiment.cell.run import run_cell
from negbench.experiment.cell.spec import CellSpec, PlannedCell, ScenarioKey
from negbench.experiment.workers.error_place import place
from negbench.experiment.workers.error_reason import reason_of
from negbench.experiment.workers.shared_memory import Shared, shared
from negbench.experiment.workers.torchrun import hand_out
from negbench.experiment.workers.writing_progress import writing_progress
from negbench.plugins import registry
from negbench.scenario.scenario import Scenario
from negbench.storage import cell_store, claims
from negbench.storage.cell_store import Cell
from negbench.storage.claims import Claim, Held
from negbench.storage.search_store import whole_search
from negbench.training.data_parallel import current

DIED = (
    "its worker process died, perhaps for want of memory; lower --jobs or choose smaller settings"
)
CHANGED = (
    "its data, a plug-in, or a file of text vectors or of a model, changed after the run began; "
    "leave them as they are while it runs, and run it again"
)
TERMINATION = 5.0
"""Seconds that a terminated worker may take to end."""
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}


@dataclass(frozen=True)
class Task:
    """One cell to work on, with everything that a worker process needs."""

    planned: PlannedCell
    out: Path
    data_dir: str | None
    device: str
    threads: int
    checkpoint_every: int
    before: str | None = None
    """The `cell_store.version` that is to be replaced; None for any."""

    @property
    def spec(self) -> CellSpec:
        """The cell's settings."""
        return self.planned.spec


@dataclass(frozen=True)
class CellResult:
    """How a task ended; `reason` is empty where it went well."""

    task: Task
    reason: str = ""
    best_valid: float | None = None
    seconds: float = 0.0
    holder: Claim | None = None
    """The claim of another process that works on the cell: nothing was done."""
    elsewhere: bool = False
    """Whether another process did the cell since the run began."""


Scenarios = Mapping[ScenarioKey, Scenario]
OnCellDone = Callable[[CellResult], None]
"""Called with the result of each cell when it ends."""


def work(task: Task, scenarios: Scenarios) -> CellResult:
    """Claim, train, rank and record one cell; an error becomes the reason in its record.

    A cell that another process works on is left to it, and one that another process did since the
    run began is not done again. A scenario that is not among `scenarios` is prepared here. A cell
    whose data, texts or vectors changed since it was planned fails. Raises NoRoom if the run's
    folder cannot be written to, and PeerGone where other processes of its training have ended.
    """
    try:
        claim = claims.take(task.out, task.planned.digest, task.planned.label)
    except OSError as error:
        raise no_room(task.out, error) from error
    if isinstance(claim, Claim):
        return CellResult(task, holder=claim)
    with claim:
        result = done_elsewhere(task) or _train(task, scenarios, claim)
    current().require_unbroken(result.reason)
    return result


def done_elsewhere(task: Task) -> CellResult | None:
    """The result of a cell that another process wrote since the run began; None if none did."""
    now = cell_store.version(task.out, task.planned.resolved, anew=True)
    if task.before is None or now == task.before:
        return None
    cell = cell_store.find_cell(task.out, task.planned.resolved)
    return None if cell is None else replace(_result(task, cell), elsewhere=True)


def _train(task: Task, scenarios: Scenarios, claim: Held) -> CellResult:
    scenario = scenarios.get(task.spec.scenario_key)
    try:
        scenario = scenario or task.spec.scenario_key.prepare(task.data_dir)
        if PlannedCell.of(task.spec, scenario).digest != task.planned.digest:
            return fail(task, CHANGED)
        hand_out(task.planned, task.data_dir, task.threads)
        folder = run_cell(
            task.planned,
            scenario,
            task.out,
            device=task.device,
            threads=task.threads,
            on_progress=writing_progress(claim, task.spec.train),
            checkpoint_every=task.checkpoint_every,
        )
        return _result(task, cell_store.read_cell(folder))
    except OSError as error:
        if error.errno in UNWRITABLE:  # no fault of the cell: the next would meet it too
            raise no_room(task.out, error) from error
        return fail(task, reason_of(error), error, scenario)
    except Exception as error:
        return fail(task, reason_of(error), error, scenario)


def _result(task: Task, cell: Cell) -> CellResult:
    """How the cell ended, by its record."""
    if not cell.done:
        return CellResult(task, cell.failure)
    record = cell.record
    best = record["fit"].get("best_valid")
    return CellResult(task, "", best, record["seconds"]["wall"]["total"])


def no_room(out: Path, error: OSError) -> NoRoom:
    """One sentence for a folder that cannot be written to."""
    why = error.strerror or type(error).__name__
    return NoRoom(
        f"the run's folder must be writable; {out} is not ({why}); finished cells are kept: "
        f"make room and go on with negbench resume {quote(str(whole_search(out)))}"
    )


def fail(
    task: Task, reason: str, error: Exception | None = None, scenario: Scenario | None = None
) -> CellResult:
    """Write the record of a failed cell; one sentence is enough of an error that users can fix.

    Raises NoRoom where it cannot be written.
    """
    unexpected = None if isinstance(error, UserError) else error
    record = {
        "status": "failed",
        "reason": reason,
        "where": place(unexpected) if unexpected else "",
        "traceback": "".join(traceback.format_exception(unexpected)) if unexpected else "",
        "spec": task.planned.resolved,
        **cards(task.spec),
        **(scenario.record() if scenario else {}),
        "metrics": [],
        "environment": environment(torch.device(task.device)),
    }
    try:
        folder = cell_store.write_cell(task.out, record)
    except OSError as full:
        raise no_room(task.out, full) from full
    return _result(task, cell_store.read_cell(folder))


def in_process(tasks: list[Task], scenarios: Scenarios, on_cell_done: OnCellDone) -> None:
    """Run the tasks one after the other in this process."""
    for task in tasks:
        on_cell_done(work(task, scenarios))


def in_pool(tasks: list[Task], jobs: int, scenarios: Scenarios, on_cell_done: OnCellDone) -> None:
    """Run the tasks in worker processes; where one dies, its tasks are tried once more, alone."""
    waiting = deque(tasks)
    with shared(scenarios) as held:
        while waiting:
            for suspect in _until_broken(waiting, jobs, held, on_cell_done):
                if _until_broken(deque([suspect]), 1, held, on_cell_done):
                    on_cell_done(fail(suspect, DIED))


def _until_broken(
    waiting: deque[Task], jobs: int, held: Shared | None, on_cell_done: OnCellDone
) -> list[Task]:
    """Work off the queue; the tasks that were running if a worker died, else none."""
    running: dict[Future[CellResult], Task] = {}
    with _pool(min(jobs, len(waiting)), held) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running[pool.submit(_work, waiting[0])] = waiting[0]
                    waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    del running[future]
                    on_cell_done(result)
        except BrokenProcessPool:
            return list(running.values())
    return []


@contextmanager
def _pool(jobs: int, held: Shared | None) -> Iterator[ProcessPoolExecutor]:
    """A process pool; an interrupt terminates it at once instead of waiting for its cells."""
    before = set(active_children())
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=_begin, initargs=(registry.plugins(), held)
    )
    try:
        yield pool
    except BaseException:
        own = set(active_children()) - before
        for child in own:
            child.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        for child in own:  # once they have ended, their claims count for nothing
            child.join(TERMINATION)
        raise
    pool.shutdown()


_SCENARIOS: dict[ScenarioKey, Scenario] = {}
"""In a worker: the scenarios of its parent, memory-mapped."""


def _begin(plugins: tuple[registry.Plugin, ...], held: Shared | None) -> None:
    """Initialise a worker: add plug-ins, leave Ctrl-C to the parent, and end with the parent."""
    signal(SIGINT, SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    for path in plugins:
        registry.add_plugin(path)
    if held is not None:
        _SCENARIOS.update(held.open())


def _work(task: Task) -> CellResult:
    return work(task, _SCENARIOS)


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
