"""Several processes on one run folder: each cell once, taken over from the dead, never lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.every_method_cell import by_method
from helpers.small_runs import BREAKS, DATA, LOGS, go, logged, names, stamps

from negbench.cli import main
from negbench.experiment import console
from negbench.experiment.finished.status import status
from negbench.experiment.run_grid import Result
from negbench.experiment.workers import waiting
from negbench.experiment.workers.waiting import waiting_lines
from negbench.storage import claims

TOGETHER = LOGS.replace(
    "time.sleep(0.4)",
    """end = time.monotonic() + 60
        while time.monotonic() < end:
            lines = open(__file__ + ".log").read().splitlines()
            if len({line.split()[0] for line in lines}) == 3:
                break
            time.sleep(0.02)""",
)
"""LOGS whose epochs wait until three processes are at work."""


def start(out, path, *words):
    """A run of the plug-in in a process of its own."""
    grid = ["-d", DATA, "-m", "long", "--plugin", path, "--epochs", "2", "--dim", "8", *words]
    return subprocess.Popen(
        [sys.executable, "-m", "negbench.cli", "run", *grid, "-o", str(out), "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def begun(path):
    """Processes and epochs that were begun so far."""
    return logged(path) if Path(f"{path}.log").exists() else []


def once(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def foreign(out, cell, age=0.0):
    """The claim of a worker on another machine."""
    path = out / "claims" / f"{cell}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"host": "elsewhere", "machine": "another", "process": 7, "born": "1"}
    content |= {"label": "theirs", "started": time.time() - age - 9, "token": "theirs"}
    path.write_text(json.dumps(content))
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def finished(tmp_path, plugin):
    """The asked grid of one cell, its folder's name, and its cell as somebody else writes it."""
    asked = {"methods": "long", "plugins": [plugin("long", LOGS)], "seeds": 1}
    go(tmp_path / "theirs", **asked)
    (cell,) = names(tmp_path / "theirs")
    Path(f"{asked['plugins'][0]}.log").unlink()
    return asked, cell, tmp_path / "theirs" / "cells" / cell


def later(do):
    """Do it in a thread, once the run beside it waits."""
    thread = threading.Timer(0.7, do)
    thread.start()
    return thread


def test_two_processes_train_each_cell_once_and_both_see_all(tmp_path, plugin):
    """One works by itself and one with two workers; all three are at work at a time."""
    path, out = plugin("long", TOGETHER), tmp_path / "run"
    both = [start(out, path, "--seeds", "5", *more) for more in ((), ("-j", "2"))]
    texts = [process.communicate(timeout=180)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], texts
    assert Counter(epoch for _, epoch in logged(path)) == {1: 5, 2: 5}
    assert len({process for process, _ in logged(path)}) == 3
    assert texts[0] == texts[1] and "long" in texts[0]
    assert len(stamps(out)) == 5 and not (out / "claims").exists()


def test_a_killed_process_is_shown_and_its_cell_taken_over_at_once(tmp_path, plugin):
    path, out = plugin("long", LOGS.replace("0.4", "0.02")), tmp_path / "run"
    budget = {"epochs": 100, "patience": 100}
    words = [word for key, value in budget.items() for word in (f"--{key}", str(value))]
    process = start(out, path, "--seeds", "1", *words)
    try:
        once(lambda: len(begun(path)) > 1)
        (working,) = status(out).working
        assert (working.process, working.stale) == (process.pid, False)
        assert working.label.endswith("mf long/0") and working.heartbeat < 60
        runner = CliRunner()
        text = runner.invoke(main, ["status", str(out)]).output
        assert f"working  {working.host} pid {process.pid}  {working.label}  since " in text
        shown = json.loads(runner.invoke(main, ["status", str(out), "--json"]).output)
        assert shown["working"][0]["process"] == process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert begun(path)[-1][1] < 100 and status(out).working[0].stale
    assert "the next run takes it over" in runner.invoke(main, ["status", str(out)]).output
    assert go(out, methods="long", plugins=[path], seeds=1, **budget).done == 1
    assert logged(path)[-1] == (os.getpid(), 100) and len(stamps(out)) == 1
    assert status(out).working == () and not (out / "claims").exists()


def test_a_claim_without_a_heartbeat_is_taken_over(tmp_path, finished):
    asked, cell, _ = finished
    foreign(tmp_path / "run", cell, age=2 * claims.STALE)
    assert go(tmp_path / "run", **asked).done == 1
    assert len(begun(asked["plugins"][0])) == 2


@pytest.mark.parametrize("overwrite", ["failed", "all"])
def test_what_another_does_is_waited_for_and_not_done_again(
    tmp_path, finished, overwrite, caplog, monkeypatch
):
    asked, cell, theirs = finished
    out = tmp_path / "run"
    if overwrite == "all":  # there at the start, and replaced by the other process meanwhile
        shutil.copytree(theirs, out / "cells" / cell)
    claim = foreign(out, cell)

    def end():
        shutil.rmtree(out / "cells" / cell, ignore_errors=True)
        shutil.copytree(theirs, out / "cells" / cell)
        os.utime(out / "cells" / cell / "cell.json")
        claim.unlink()

    monkeypatch.setattr(waiting, "PAUSES", (0.05, 0.05))
    thread = later(end)
    with caplog.at_level("INFO", "negbench"):
        result = go(out, **asked, overwrite=overwrite)
    thread.join()
    assert result.done == 1 and begun(asked["plugins"][0]) == []
    assert caplog.messages.count("waiting for 1 cell that elsewhere pid 7 trains") == 1
    assert "done by another process" in caplog.text


def test_a_cell_that_another_gives_up_is_done_here_after_the_rest(tmp_path, finished):
    asked, cell, _ = finished
    out = tmp_path / "run"
    claim = foreign(out, cell)
    thread = later(claim.unlink)
    assert go(out, **{**asked, "methods": "long,random"}).done == 2
    thread.join()
    long, random = (by_method(out)[name] for name in ("long", "random"))
    assert (random / "cell.json").stat().st_mtime < (long / "cell.json").stat().st_mtime
    assert len(begun(asked["plugins"][0])) == 2


def test_a_failure_of_another_is_told_and_not_tried_again(tmp_path, plugin):
    asked = {"methods": "broken", "plugins": [plugin("broken", BREAKS)], "seeds": 1}
    assert not go(tmp_path / "theirs", **asked).done
    (cell,) = names(tmp_path / "theirs")
    claim = foreign(tmp_path / "run", cell)

    def end():
        (tmp_path / "run" / "cells").mkdir(exist_ok=True)
        shutil.copytree(tmp_path / "theirs" / "cells" / cell, tmp_path / "run" / "cells" / cell)
        claim.unlink()

    thread = later(end)
    result = go(tmp_path / "run", **asked)
    thread.join()
    assert "no draw today" in result.failed[0][1]
    (mine,), (first,) = stamps(tmp_path / "run").values(), stamps(tmp_path / "theirs").values()
    assert mine == first


def test_the_wait_for_a_silent_host_tells_its_end(tmp_path):
    foreign(tmp_path, "0a1b", age=5)
    foreign(tmp_path, "0a1c", age=200)
    near, far = (claims.holder(tmp_path, cell) for cell in ("0a1b", "0a1c"))
    assert waiting_lines([near, far]) == ["waiting for 2 cells that elsewhere pid 7 trains"]
    assert "gone: taken over after 300 s" in waiting_lines([far])[0]


def test_a_folder_that_goes_while_a_run_is_measured_ends_no_run(tmp_path, monkeypatch):
    """Another process renames and removes folders of its own: a run ended in a traceback."""
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("12345")

    def sized(path):
        for each in "abc":
            shutil.rmtree(tmp_path / each, ignore_errors=True)
        return 5

    monkeypatch.setattr(console, "_size", sized)
    saved, *_ = console.next_lines(Result(tmp_path, 1, ()))
    assert saved.startswith("saved  ") and "1 cell, 0.0 MB" in saved
