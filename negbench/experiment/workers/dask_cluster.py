"""Run cells on a dask cluster: the same tasks, bits and run folder, on many machines.

Workers must see the run's folder under the same path, and the data. A worker does one cell at a
time, whatever its number of threads. One that dies is replaced by another: dask gives its cell to
a worker that lives, and gives up after the third.
"""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from negbench.errors import UserError
from negbench.experiment.workers.local_pool import (
    DIED,
    CellResult,
    OnCellDone,
    Task,
    fail,
    work,
)
from negbench.plugins import registry

PATIENCE = 20
"""Seconds to wait for a scheduler that does not answer."""
LOST = ("cancelled", "lost")
"""States of a dask future whose scheduler is gone."""
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Cluster:
    """A dask scheduler that runs already, or the number of local workers to start."""

    scheduler: str = ""
    workers: int = 0


def on_cluster(tasks: list[Task], cluster: Cluster, on_cell_done: OnCellDone) -> None:
    """Submit every task and pass on each result; UserError if the scheduler is lost."""
    with _client(cluster) as client:
        futures = {
            client.submit(alone, task, registry.plugins(), key=_key(task), pure=False): task
            for task in tasks
        }
        for future in _as_completed(client, futures, cluster):
            on_cell_done(_result_of(future, futures[future], cluster))


def alone(task: Task, plugins: tuple[registry.Plugin, ...]) -> CellResult:
    """Run one cell in a dask worker; no other beside it, as time and memory are measured."""
    with _ALONE:
        for path in plugins:
            registry.add_plugin(path)
        return work(task, {})


def _key(task: Task) -> str:
    """Another one at each try: a scheduler would answer a known key with its earlier result."""
    return f"{task.planned.digest}-{uuid.uuid4().hex[:8]}"


def _result_of(future: Any, task: Task, cluster: Cluster) -> CellResult:
    try:
        result: CellResult = future.result()
    except _dask().KilledWorker:
        return fail(task, DIED)
    except (CancelledError, OSError) as error:  # a task's own OSError is in its record
        raise _lost(cluster) from error
    return result


def _as_completed(client: Any, futures: Any, cluster: Cluster) -> Iterator[Any]:
    """The futures as they end, as long as the scheduler answers."""
    dask, open_ = _dask(), set(futures)
    while open_:
        try:
            dask.wait(list(open_), timeout=1, return_when="FIRST_COMPLETED")
        except dask.TimeoutError:
            pass
        except (CancelledError, OSError, RuntimeError) as error:
            raise _lost(cluster) from error
        ended = {future for future in open_ if future.done()}
        if client.status != "running" or any(future.status in LOST for future in ended):
            raise _lost(cluster)
        yield from ended
        open_ -= ended


def _lost(cluster: Cluster) -> UserError:
    return UserError(
        f"the scheduler {cluster.scheduler or 'of this run'} must live as long as the run, and it "
        "no longer answers; finished cells are kept: start a scheduler and run the same command"
    )


def _dask() -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        raise UserError(
            "--engine dask needs dask's distributed, which is not installed; "
            "run pip install 'negbench[cluster]'"
        ) from None


@contextmanager
def _client(cluster: Cluster) -> Iterator[Any]:
    """A client of the scheduler, or of a local cluster of processes with one thread each."""
    distributed = _dask()
    if not cluster.scheduler:
        with (
            distributed.LocalCluster(
                n_workers=cluster.workers, threads_per_worker=1, dashboard_address=None
            ) as own,
            distributed.Client(own) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(cluster.scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        cause = " ".join(str(error).split())[:200]
        raise UserError(
            f"--scheduler must be the address of a running dask scheduler, as tcp://host:8786; "
            f"{cluster.scheduler} does not answer ({cause})"
        ) from None
    with client:
        yield client
