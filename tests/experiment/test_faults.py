"""What happens to long runs, done for real: full disks, interrupts, two processes, old folders."""

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
from helpers.small_runs import DATA, SLOW, go, names, stamps

from negbench.errors import NoRoom
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.workers.local_pool import Task, fail
from negbench.storage import cell_store

SMALL = ["-d", DATA, "--epochs", "2", "--dim", "8", "--no-progress", "-q"]


def start(out, *words, limit=None):
    """The command in a process of its own; no file of it may pass `limit` bytes."""

    def hold():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-m", "negbench.cli", "run", *SMALL, "-o", str(out), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hold,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def ended(process, seconds=180):
    """Exit code and its message on standard error."""
    _, message = process.communicate(timeout=seconds)
    return process.returncode, message


def once(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def figures(out):
    cells, damaged = cell_store.read_cells(out)
    assert not damaged
    return {cell.folder.name: cell.record["metrics"] for cell in cells if cell.done}


@pytest.mark.parametrize("more", ["-j 1", "-j 2", "--checkpoint-every 1"])
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_later(tmp_path, more):
    """A limit on the size of files fails a write as a full disk does, in the middle of a cell."""
    out, words = tmp_path / "run", ("-m", "random,dns", "--seeds", "2", *more.split())
    code, message = ended(start(out, *words, limit=6000))
    assert code == 1 and message.count("must be writable") == 1 and "Traceback" not in message
    assert f"negbench resume {out}" in message
    assert not [name for name in names(out) if not name.startswith(".")]
    assert ended(start(out, *words))[0] == 0
    assert len(figures(out)) == 4 and len(names(out)) == 4


def test_an_interrupt_says_how_to_go_on(tmp_path, plugin):
    out, slow = tmp_path / "run", plugin("slow", SLOW)
    running = start(out, "-m", "slow", "--plugin", slow, "--seeds", "24", "-j", "2")
    once(lambda: len(stamps(out)) >= 1)
    running.send_signal(signal.SIGINT)
    code, message = ended(running)
    assert code == 130 and f"negbench resume {out}" in message and "Traceback" not in message
    kept = stamps(out)
    assert 1 <= len(kept) < 24 and not (out / "claims").exists()
    go(out, methods="slow", plugins=[slow], seeds=24, jobs=2)
    assert kept.items() <= stamps(out).items() and len(stamps(out)) == 24


def test_two_processes_on_one_folder_end_with_one_whole_run(tmp_path):
    out, words = tmp_path / "run", ("-m", "random,dns", "--seeds", "3")
    both = [start(out, *words) for _ in range(2)]
    assert [ended(each)[0] for each in both] == [0, 0]
    go(tmp_path / "quiet", methods="random,dns", seeds=3)
    assert figures(out) == figures(tmp_path / "quiet")
    assert (out / "results.csv").read_bytes() == (tmp_path / "quiet/results.csv").read_bytes()
    assert not [name for name in os.listdir(out / "cells") if name.startswith(".")]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, message = ended(start(tmp_path / "file" / "run", "-m", "random", "--seeds", "1"))
    assert code == 2 and "must be a folder that can be written" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("data", "words"),
    # Without valid pairs the next loss tells; with them the scores of the first validation do.
    {
        "loss": ("synthetic(users=60,items=100,interactions=120)", "must stay a number"),
        "scores": (DATA, "scores must be finite to be ranked"),
    }.values(),
)
def test_a_model_that_diverged_is_recorded_and_named(tmp_path, data, words):
    result = go(tmp_path, methods="random", seeds=1, lr=1e30, datasets=[data])
    assert words in result.failed[0][1] and result.done == 0
    cell = cell_store.read_cells(tmp_path)[0][0]
    assert not cell.done and "lower lr" in cell.record["reason"]


BOOM = """\"\"\"Draws from a file that is not there.\"\"\"
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method

CARD = Card(title="Boom", family="static", moves=("sampler",), provenance="ours")

class Boom(Uniform):
    def sample(self, step):
        raise ValueError("no file caf\\udce9.csv")

def build(config):
    return Method(sampler=Boom(1), objective=BPR())
"""


def test_an_error_that_is_no_text_fails_its_cell_alone(tmp_path, plugin):
    """Names of files may be no UTF-8; the record is, and the rows beside it are trained."""
    boom = plugin("boom", BOOM)
    result = go(tmp_path / "run", methods="boom,random", plugins=[boom], seeds=1)
    assert result.done == 1 and result.failed[0][0].endswith("boom/0")
    assert "ValueError: no file caf\\udce9.csv (" in result.failed[0][1]


def test_a_changed_budget_in_an_old_folder_makes_cells_of_its_own(tmp_path):
    go(tmp_path, methods="random", seeds=2)
    before = stamps(tmp_path)
    go(tmp_path, methods="random", seeds=2, epochs=3)
    assert len(stamps(tmp_path)) == 4 and before.items() <= stamps(tmp_path).items()


@pytest.mark.parametrize("version", [0, 2, "one"])
def test_a_cell_of_another_version_is_told_and_done_again(tmp_path, version):
    go(tmp_path, methods="random", seeds=1)
    path = next((tmp_path / "cells").glob("*/cell.json"))
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "format": version}))
    _, damaged = cell_store.read_cells(tmp_path)
    assert len(damaged) == 1 and "format" in damaged[0]
    assert go(tmp_path, methods="random", seeds=1).done == 1
    assert json.loads(path.read_text())["metrics"] == record["metrics"]


def test_a_clock_that_goes_back_changes_nothing(tmp_path, monkeypatch):
    go(tmp_path / "usual", methods="random", seeds=2)
    now = iter(range(10**9, 0, -1000))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    go(tmp_path / "back", methods="random", seeds=2)
    assert figures(tmp_path / "back") == figures(tmp_path / "usual")


def test_what_is_copied_elsewhere_is_the_same_run(tmp_path):
    go(tmp_path / "here", methods="random", seeds=2)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    kept = {path.name for path in (tmp_path / "there" / "cells").iterdir()}
    go(tmp_path / "there", methods="random", seeds=2)
    assert {path.name for path in (tmp_path / "there" / "cells").iterdir()} == kept


def test_a_failed_cell_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    """Its record met the full disk with a traceback."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    options = build(flatten({"datasets": [DATA], "methods": "random", "seeds": 1, "epochs": 1}))
    task = Task(plan(options).cells[0], tmp_path, None, "cpu", 1, 0)
    monkeypatch.setattr(cell_store, "write_cell", full)
    with pytest.raises(NoRoom, match="No space left"):
        fail(task, "diverged")
