"""Status while a grid runs, after it is killed, and while its cells are done again."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from helpers.small_runs import BREAKS, DATA, SLOW, go

from negbench.errors import NothingToReport
from negbench.experiment.finished.status import status

CELLS = 12


def running(out, plugins, *more):
    words = ["-d", DATA, "-m", "random,slow,broken", "--seeds", "4", "--epochs", "2", "--dim", "8"]
    for path in plugins:
        words += ["--plugin", path]
    return subprocess.Popen(
        [sys.executable, "-m", "negbench.cli", "run", *words, "-o", str(out), "-q", *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def looked(out):
    """One look, whose counts must add up; None before the run has begun."""
    try:
        now = status(out)
    except NothingToReport:
        return None
    assert now.done + len(now.failed) + len(now.pending) == CELLS
    assert now.damaged == () and now.other == 0
    assert all(why.startswith("RuntimeError: no draw today (") for why in now.failed.values())
    seconds = [each for _, each in now.slowest]
    assert len(seconds) == min(3, now.done) and seconds == sorted(seconds, reverse=True)
    assert now.done or now.seconds_left is None or now.no_early_stop or not now.pending
    assert not (now.alive and now.go_on) and len(now.alive) <= 3
    return now


def looks(out, true, seconds=180, met=lambda now: True):
    """Look again and again until it is true of the last and some look has `met`; all of them."""
    end, statuses = time.monotonic() + seconds, []
    while not (statuses and true(statuses[-1]) and any(map(met, statuses))):
        assert time.monotonic() < end, "waited in vain"
        statuses += filter(None, [looked(out)])
    return statuses


def in_an_epoch(now):
    """Whether a cell that is being trained has told its epoch."""
    return any(each.progress for each in now.working)


@pytest.fixture
def plugins(plugin):
    return [plugin("slow", SLOW), plugin("broken", BREAKS)]


def test_status_adds_up_while_a_grid_runs_and_when_it_is_killed(tmp_path, plugins):
    out = tmp_path / "run"
    grid = running(out, plugins, "-j", "2")
    try:
        # Three of eight: enough is left, however slow this is. An epoch lasts a moment.
        seen = looks(out, lambda now: now.done >= 3, met=in_an_epoch)
    finally:
        os.killpg(grid.pid, signal.SIGKILL)
        grid.wait()
    done = [now.done for now in seen]
    assert done == sorted(done) and seen[0].pending
    assert any(0 < now.done < 8 and now.seconds_left for now in seen)
    epochs = {each.progress.epoch for now in seen for each in now.working if each.progress}
    assert epochs and epochs <= {1, 2} and all(now.alive for now in seen[1:])
    process = subprocess.run(
        [sys.executable, "-m", "negbench.cli", "status", str(out)], capture_output=True, text=True
    )
    left = looked(out)
    counts = f"{left.done} done, {len(left.failed)} failed, {len(left.pending)} pending"
    assert process.returncode == 0 and process.stdout.startswith(counts) and process.stderr == ""
    assert f"negbench resume {out}" in process.stdout and process.stdout.count("slowest") == 3


def test_status_adds_up_while_cells_are_replaced(tmp_path, plugins):
    out = tmp_path / "run"
    asked = {"methods": "random,dns,popularity", "seeds": 4, "epochs": 1}
    go(out, **asked)
    again = threading.Thread(target=go, args=(out,), kwargs={**asked, "overwrite": "all"})
    again.start()
    seen = looks(out, lambda now: not again.is_alive())
    again.join()
    assert len(seen) > 12 and seen[-1].done == CELLS
    assert {now.done for now in seen} <= {CELLS - 1, CELLS}
