"""A real scheduler and real workers: the same bits, deaths, latecomers, and shards."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from helpers.small_runs import SLOW, go, names

from negbench.errors import UserError
from negbench.experiment.options.options import build, flatten
from negbench.storage import cell_store

distributed = pytest.importorskip("distributed")
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s"}


def process(*words):
    module = f"distributed.cli.dask_{words[0]}"
    return subprocess.Popen(
        [sys.executable, "-m", module, *words[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENV,
    )


class LocalCluster:
    """A scheduler with workers, each a process of its own."""

    def __init__(self, folder):
        self.file = folder / "scheduler.json"
        self.members = {}
        self.start("scheduler", "--port", "0", "--no-dashboard", "--no-show")
        deadline = time.monotonic() + 60
        while not (self.file.exists() and self.file.read_text()):
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.1)
        self.address = distributed.Client(scheduler_file=str(self.file), timeout=60)
        self.address, client = self.address.scheduler.address, self.address
        client.close()

    def start(self, kind, *words):
        name = f"{kind}{len(self.members)}"
        self.members[name] = process(kind, "--scheduler-file", str(self.file), *words)
        return name

    def worker(self):
        return self.start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def kill(self, name):
        self.members[name].send_signal(signal.SIGKILL)
        self.members[name].wait()

    def close(self):
        for member in self.members.values():
            member.kill()
            member.wait()


@contextmanager
def local_cluster(folder, workers):
    cluster = LocalCluster(folder)
    try:
        for _ in range(workers):
            cluster.worker()
        yield cluster
    finally:
        cluster.close()


def figures(out):
    """The metrics of every cell of a run."""
    cells, damaged = cell_store.read_cells(out)
    assert not damaged
    return {cell.folder.name: cell.record["metrics"] for cell in cells}


def once_a_cell_is_there(out, do):
    """In a thread: wait for the first finished cell of a run, then `do`."""

    def watch():
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not list((out / "cells").glob("*/cell.json")):
            time.sleep(0.05)
        do()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_cluster_gives_the_bits_of_this_machine(tmp_path):
    asked = {"methods": "random,dns", "seeds": 2}
    go(tmp_path / "here", **asked)
    with local_cluster(tmp_path, 2) as at:
        result = go(tmp_path / "there", engine="dask", scheduler=at.address, **asked)
    assert result.done == 4 and not result.failed
    assert figures(tmp_path / "there") == figures(tmp_path / "here")


def test_workers_of_our_own_need_no_scheduler(tmp_path):
    result = go(tmp_path / "run", engine="dask", workers=2, methods="random", seeds=2)
    assert result.done == 2 and not result.failed


def test_a_worker_that_is_killed_loses_no_cell_and_a_late_one_helps(tmp_path, plugin):
    slow = plugin("slow", SLOW)
    out = tmp_path / "run"
    with local_cluster(tmp_path, 1) as at:

        def swap():
            at.worker()
            at.kill("worker1")

        watching = once_a_cell_is_there(out, swap)
        asked = {"methods": "slow", "plugins": [slow], "seeds": 4}
        result = go(out, engine="dask", scheduler=at.address, **asked)
        watching.join()
    assert result.done == 4 and not result.failed
    assert len(figures(out)) == 4


def test_a_scheduler_that_is_lost_is_said_and_the_run_goes_on_later(tmp_path, plugin):
    slow = plugin("slow", SLOW)
    out, asked = tmp_path / "run", {"methods": "slow", "plugins": [slow], "seeds": 3}
    with local_cluster(tmp_path, 1) as at:
        watching = once_a_cell_is_there(out, lambda: at.kill("scheduler0"))
        with pytest.raises(UserError, match="must live as long as the run"):
            go(out, engine="dask", scheduler=at.address, **asked)
        watching.join()
    kept = len(figures(out))
    assert 1 <= kept
    assert go(out, **asked).done == 3


def test_nobody_at_the_address(tmp_path, monkeypatch):
    monkeypatch.setattr("negbench.experiment.workers.dask_cluster.PATIENCE", 2)
    with pytest.raises(UserError, match="must be the address of a running dask scheduler"):
        go(tmp_path / "run", engine="dask", scheduler="tcp://127.0.0.1:9", methods="random")


def test_shards_merge_by_copying(tmp_path):
    asked = {"methods": "random,dns", "seeds": 2}
    go(tmp_path / "whole", **asked)
    for part in ("1/3", "2/3", "3/3"):
        go(tmp_path / part[0], shard=part, **asked)
    assert [len(names(tmp_path / part)) for part in "123"] == [2, 1, 1]
    for part in "23":
        shutil.copytree(tmp_path / part, tmp_path / "1", dirs_exist_ok=True)
    assert figures(tmp_path / "1") == figures(tmp_path / "whole")
    assert go(tmp_path / "1", **asked).done == 4  # nothing is left to do
    left = (tmp_path / "1" / "results.csv").read_text().splitlines()
    assert len(left) == len((tmp_path / "whole" / "results.csv").read_text().splitlines())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"engine": "slurm"}, "--engine must be local or dask; got 'slurm'"),
        ({"workers": 2}, "add --engine dask"),
        ({"scheduler": "tcp://x:1"}, "add --engine dask"),
        ({"engine": "dask"}, "needs either --scheduler"),
        ({"engine": "dask", "workers": 2, "scheduler": "tcp://x:1"}, "needs either --scheduler"),
        ({"engine": "dask", "workers": 2, "jobs": 2}, "--jobs is for the local engine"),
        ({"shard": "0/3"}, "--shard must be i/n with i from 1 to n, as 2/8; got '0/3'"),
        ({"shard": "4/3"}, "--shard must be i/n"),
        ({"shard": "half"}, "--shard must be i/n"),
    ],
)
def test_wrong_ways_are_refused(asked, message):
    with pytest.raises(UserError, match=message):
        build(flatten(asked))
