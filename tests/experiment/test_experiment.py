"""The grid: what is trained, skipped, failed, killed and gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.small_runs import BREAKS, DATA, DIES, NAME, SLOW, SMALL, go, names, stamps

from negbench.errors import DataError, UserError
from negbench.experiment.finished.status import status
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.workers.cleanup import PLACES, sweep
from negbench.experiment.workers.local_pool import DIED
from negbench.storage import cell_store
from negbench.storage.machine import machine_mark


def test_the_grid_is_data_sets_by_backbones_by_methods_by_seeds_and_references_once():
    options = build(
        flatten({**SMALL, "methods": "random,dns,dns(candidates=2)", "references": "most_popular"})
    )
    cells = plan(options).cells
    assert len(cells) == 3 * 5 + 1
    assert len({each.digest for each in cells}) == len(cells)
    asked = {(each.spec.backbone, each.spec.method, each.spec.seed) for each in cells}
    assert ("reference", "most_popular", 0) in asked
    assert ("mf", "dns(candidates=2)", 4) in asked


def test_a_run_writes_every_cell_and_a_second_keeps_them(tmp_path):
    first = go(tmp_path, methods="random", seeds=2)
    assert (first.done, first.failed) == (2, ())
    before, results = stamps(tmp_path), (tmp_path / "results.csv").read_text()
    assert results.splitlines()[0] == ",".join(cell_store.COLUMNS)
    assert go(tmp_path, methods="random,dns", seeds=2).done == 4
    assert before.items() <= stamps(tmp_path).items()
    go(tmp_path, methods="random", seeds=2, overwrite="all")
    after = stamps(tmp_path)
    assert all(after[path] != old for path, old in before.items())
    assert set(results.splitlines()) <= set((tmp_path / "results.csv").read_text().splitlines())


def test_a_damaged_cell_is_done_again(tmp_path):
    go(tmp_path, methods="random", seeds=2)
    whole = (tmp_path / "results.csv").read_bytes()
    first, second = names(tmp_path)
    (tmp_path / "cells" / first / "cell.json").write_text("{")
    (tmp_path / "cells" / second / "users.npz").write_bytes(b"PK")
    assert go(tmp_path, methods="random", seeds=2).done == 2
    assert (tmp_path / "results.csv").read_bytes() == whole


def test_a_failed_cell_is_recorded_and_the_others_go_on(tmp_path, plugin):
    asked = {"plugins": plugin("broken", BREAKS), "methods": "broken,random", "seeds": 1}
    out = tmp_path / "run"
    result = go(out, **asked)
    assert result.done == 1
    (failed,) = [cell for cell in cell_store.read_cells(out)[0] if not cell.done]
    trace = failed.folder / "traceback.txt"
    where = f"{asked['plugins']}:{BREAKS[: BREAKS.index('raise ')].count(chr(10)) + 1}"
    reason = f"RuntimeError: no draw today ({where}); the whole traceback: {trace}"
    assert result.failed == ((f"{NAME} mf broken/0", reason),)
    assert set(status(out).failed.values()) == {reason}
    assert failed.record["reason"] == "RuntimeError: no draw today"
    assert "no draw today" in failed.record["traceback"] == trace.read_text()
    assert failed.spec["method"] == "broken"
    assert "broken" not in (out / "results.csv").read_text()


def test_failed_cells_are_done_again_unless_told_otherwise(tmp_path, plugin):
    path = plugin("broken", BREAKS)
    asked = {"plugins": path, "methods": "broken", "seeds": 1}
    out = tmp_path / "run"
    go(out, **asked)
    before = stamps(out)
    assert go(out, **asked, overwrite="missing").failed
    assert stamps(out) == before
    assert go(out, **asked).failed
    assert stamps(out) != before


def test_a_worker_that_dies_costs_its_own_cell_only(tmp_path, plugin):
    asked = {
        "plugins": plugin("dies", DIES),
        "methods": "dies,random",
        "seeds": 1,
        "jobs": 2,
    }
    result = go(tmp_path / "run", **asked)
    assert result.failed == ((f"{NAME} mf dies/0", DIED),)
    assert result.done == 1


def test_the_same_bits_and_failures_whatever_jobs_is(tmp_path, plugin):
    asked = {"methods": "random,dns,broken", "seeds": 2, "references": "most_popular"}
    asked["plugins"] = plugin("broken", BREAKS)
    first = go(tmp_path / "one", **asked, jobs=1)
    second = go(tmp_path / "two", **asked, jobs=2)
    reasons = [[why.partition(";")[0] for _, why in run.failed] for run in (first, second)]
    assert reasons[0] == reasons[1] and len(first.failed) == 2
    assert names(tmp_path / "one") == names(tmp_path / "two")
    one, two = ((tmp_path / name / "results.csv").read_bytes() for name in ("one", "two"))
    assert one == two
    done = [cell.folder.name for cell in cell_store.read_cells(tmp_path / "one")[0] if cell.done]
    for name in done:
        pair = [tmp_path / run / "cells" / name / "users.npz" for run in ("one", "two")]
        assert pair[0].read_bytes() == pair[1].read_bytes()


def command(out, *more):
    words = [sys.executable, "-m", "negbench.cli", "run", "-d", DATA, "--epochs", "2"]
    return [*words, "--dim", "8", "-o", str(out), *more]


def test_the_same_bits_whatever_the_hash_seed_is(tmp_path):
    texts = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        where = {**os.environ, "PYTHONHASHSEED": seed}
        words = command(out, "-m", "random,dns", "--seeds", "1", "-q")
        subprocess.run(words, env=where, check=True, capture_output=True)
        texts.append((names(out), (out / "results.csv").read_bytes()))
    assert texts[0] == texts[1]


def test_a_killed_grid_goes_on_where_it_was(tmp_path, plugin):
    path, out = plugin("slow", SLOW), tmp_path / "killed"
    asked = {"plugins": path, "methods": "slow,random", "seeds": 4, "references": "most_popular"}
    words = ["-m", "slow,random", "--seeds", "4", "--references", "most_popular", "--plugin", path]
    running = subprocess.Popen(
        command(out, *words, "-j", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: len(list((out / "cells").glob("[!.]*"))) >= 3)
        workers = children(running.pid)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    until(lambda: not any(alive(worker) for worker in workers))
    kept = stamps(out)
    assert 3 <= len(kept) < 9
    (out / "cells" / f".half.{running.pid}.0a1b2c3d").mkdir()
    assert go(out, **asked).done == 9
    assert kept.items() <= stamps(out).items()
    assert [path.name for path in (out / "cells").iterdir() if path.name.startswith(".")] == []
    go(tmp_path / "whole", **asked)
    assert (out / "results.csv").read_bytes() == (tmp_path / "whole/results.csv").read_bytes()


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children(process):
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


def alive(process):
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_dead_processes_left_is_swept_and_what_living_ones_write_stays(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    cells = tmp_path / "cells"
    cells.mkdir()
    for name in (
        f".a.{dead.pid}.0a1b2c3d",
        f".a.{dead.pid}.0a1b2c3d.old",
        f".a.{os.getpid()}.0a1b2c3d",
        f".b.{dead.pid}.000000000a1b2c3d",  # of another machine, whose processes count there
        f".c.{dead.pid}.{machine_mark()}0a1b2c3d",
    ):
        (cells / name).mkdir()
        (cells / name / "cell.json").touch()
    (tmp_path / f".results.csv.{dead.pid}.0a1b2c3d").touch()
    (tmp_path / ".gitignore").touch()
    assert len(sweep(tmp_path)) == 4
    kept = {f".a.{os.getpid()}.0a1b2c3d", f".b.{dead.pid}.000000000a1b2c3d"}
    assert {path.name for path in cells.iterdir()} == kept
    os.utime(cells / f".b.{dead.pid}.000000000a1b2c3d", (0, 0))
    assert len(sweep(tmp_path)) == 1
    assert (tmp_path / ".gitignore").exists()
    for place in PLACES:  # a half-written folder in `tensorboard` is shown as a run
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / f".d.{dead.pid}.{machine_mark()}0a1b2c3d").mkdir()
    assert len(sweep(tmp_path)) == len(PLACES)


NEEDY = """
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Needs what nobody has", needs=("moonlight",))
def build(config):
    return Method(sampler=Uniform(1), objective=BPR())
"""


def test_an_unfit_pairing_is_skipped_in_a_grid_and_refused_alone(plugin):
    asked = {**SMALL, "plugins": plugin("needy", NEEDY), "seeds": 2}
    grid = plan(build(flatten({**asked, "methods": "needy,random"})))
    assert [each.spec.method for each in grid.cells] == ["random", "random"]
    assert len(grid.skipped) == 1 and "moonlight" in grid.skipped[0]
    with pytest.raises(UserError, match="moonlight"):
        plan(build(flatten({**asked, "methods": "needy", "references": "most_popular"})))


def test_what_is_wrong_is_refused_before_anything_is_written(tmp_path):
    for raw, kind in (
        ({"methods": "dns(candidate=3)"}, UserError),
        ({"methods": "dns(candidates=0)"}, UserError),
        ({"backbones": "mf(dims=3)"}, UserError),
        ({"references": "ease(l2=0)"}, UserError),
        ({"datasets": "no/such.csv"}, DataError),
        ({"datasets": f"{DATA},synthetic(users=70)"}, UserError),
        ({"split": "temporal(0.9,0.8)"}, UserError),
        ({"k_core": 1000}, DataError),
        ({"device": "cuda:99"}, UserError),
    ):
        out = tmp_path / "run"
        with pytest.raises(kind):
            go(out, **raw)
        assert not out.exists(), raw
