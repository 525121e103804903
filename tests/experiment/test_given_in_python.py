"""`negbench.run` with arrays and functions: the same cells as of files, or one clear sentence."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import negbench
from negbench.errors import UserError
from negbench.plugins import given_function, registry

QUICK = {"seeds": 1, "epochs": 1, "progress": False}
PAIRS = np.array([(u, (3 * u + n) % 20) for u in range(12) for n in range(8)])
MODULE = '''from negbench.parts import BPR, TopM, Uniform
from negbench.protocol import Method

def hardest(m=4):
    """The best of four."""
    return Method(sampler=Uniform(m), stages=(TopM(1),), objective=BPR())

def needs(m):
    return hardest(m)

def outer():
    def inner():
        return hardest()
    return inner
'''


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    """A folder of its own, with a module `mine_NAME` in it, and no plug-ins of other tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.setattr(registry, "_functions", {})
    monkeypatch.setattr(given_function, "IMPORTED", time.time() + 60)


def module(name):
    Path(f"{name}.py").write_text(MODULE)
    return __import__(name)


def specs(run):
    return {cell.spec["method"]: cell.spec for cell in run.records.cells}


def test_an_array_of_pairs_is_read_as_a_frame():
    frame = pd.DataFrame(PAIRS, columns=["user", "item"])
    runs = [
        negbench.run(datasets=data, methods="random", out=f"run{at}", **QUICK)
        for at, data in enumerate([PAIRS, frame])
    ]
    first, second = (specs(run)["random"] for run in runs)
    assert first == second
    assert runs[0].frame.equals(runs[1].frame)
    with pytest.raises(UserError, match=r"arrays \[n, 2\] of users and items"):
        negbench.run(datasets=PAIRS[:, :1], methods="random", **QUICK)


def test_a_function_is_a_method(monkeypatch):
    mine = module("mine_function")
    run = negbench.run(
        datasets=PAIRS, methods=["dns(candidates=4)", mine.hardest], out="run", **QUICK
    )
    spec = specs(run)
    assert set(spec) == {"dns", "hardest"} and not run.failed
    assert len(spec["hardest"]["code"]["methods"]["hardest"]) == 12
    cards = {cell.spec["method"]: cell.record["card"] for cell in run.records.cells}
    assert cards["hardest"]["title"] == "The best of four."
    values = run.frame.query("split == 'test'").set_index(["method", "metric", "k", "band"])[
        "value"
    ]
    same = values.loc["dns"].drop("cpu_seconds", errors="ignore")
    assert values.loc["hardest"].loc[same.index].equals(same)


def test_its_cells_are_trained_again_after_an_edit():
    mine = module("mine_edited")
    first = specs(negbench.run(datasets=PAIRS, methods=mine.hardest, out="run", **QUICK))
    registry._functions.clear()
    Path("mine_edited.py").write_text(MODULE.replace("m=4", "m=5"))
    second = specs(negbench.run(datasets=PAIRS, methods=mine.hardest, out="run", **QUICK))
    assert first["hardest"]["code"] != second["hardest"]["code"]


def test_a_decorated_function_is_known_by_its_own_source_and_the_decorators():
    """A decorator from another file hides the file of what it wraps."""
    wraps = "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def inner():\n"
    Path("mine_timer.py").write_text(wraps + "        return f()\n    return inner\n")
    text = "from mine_timer import timed\n" + MODULE.replace("def hardest", "@timed\ndef hardest")
    Path("mine_timed.py").write_text(text)
    hardest = __import__("mine_timed").hardest
    digests = [given_function.GivenFunction.of(hardest).digest]
    for file, old, new in (
        ("mine_timed.py", "m=4", "m=5"),
        ("mine_timer.py", "return f()", "return  f()"),
    ):
        Path(file).write_text(Path(file).read_text().replace(old, new))
        digests.append(given_function.GivenFunction.of(hardest).digest)
    assert len(set(digests)) == 3
    plain = module("mine_plain")
    from mine_timer import timed

    outside = timed(plain.hardest)  # its file does not import the decorator
    before = given_function.GivenFunction.of(outside).digest
    assert before != given_function.GivenFunction.of(plain.hardest).digest
    Path("mine_plain.py").write_text(MODULE.replace("m=4", "m=6"))
    assert given_function.GivenFunction.of(outside).digest != before


def test_a_function_whose_source_is_not_known_is_refused(monkeypatch):
    mine = module("mine_refused")
    names = {}
    exec(MODULE, names)
    for build, sentence in (
        (names["hardest"], "hardest stands in no file; write it to a plug-in file"),
        (lambda: mine.hardest(), "got a lambda"),
        (mine.needs, "needs is called without arguments|needs m; give them defaults"),
        (mine.outer(), "must stand at the top of its file; got inner"),
        (dict, "got the class dict"),
        (3, "must be words"),
    ):
        with pytest.raises(UserError, match=sentence):
            negbench.run(datasets=PAIRS, methods=[build], **QUICK)
    monkeypatch.setattr(given_function, "IMPORTED", 0.0)
    with pytest.raises(UserError, match="mine_refused.py changed after negbench was imported"):
        negbench.run(datasets=PAIRS, methods=[mine.hardest], **QUICK)
    assert not Path("runs").exists()


def test_a_name_that_is_taken_is_refused():
    mine = module("mine_taken")
    mine.hardest.__name__ = "dns"
    with pytest.raises(UserError, match="methods already has 'dns'; rename the function"):
        negbench.run(datasets=PAIRS, methods=[mine.hardest], **QUICK)
    mine.hardest.__name__ = "twice"
    mine.needs.__name__, mine.needs.__defaults__ = "twice", (4,)
    with pytest.raises(UserError, match="two functions are called 'twice'"):
        negbench.run(datasets=PAIRS, methods=[mine.hardest, mine.needs], **QUICK)


@pytest.mark.slow
def test_workers_get_the_functions_of_a_script(tmp_path):
    lines = [
        "import sys, numpy as np, negbench",
        MODULE,
        "if __name__ == '__main__':",
        f"    pairs = np.array({PAIRS.tolist()})",
        "    run = negbench.run(datasets=pairs, methods=['random', hardest], seeds=1, epochs=1,",
        "                       jobs=2, out='run', progress=False)",
        "    assert not run.failed, run.failed",
    ]
    (tmp_path / "script.py").write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "script.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
