"""Cells that torchrun's processes train together; what they cannot is refused before a byte."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from helpers.small_runs import DATA, go

from negbench.cli import main
from negbench.errors import UserError
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import check, device_of
from negbench.experiment.workers.torchrun import refuse_torchrun
from negbench.storage import cell_store
from negbench.training import data_parallel
from negbench.training.data_parallel import DataParallel

SMALL = {"datasets": [DATA], "epochs": 2, "dim": 8, "seeds": 1, "methods": ["random"]}
FAILS = """
import os
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Fails in the second process")
class Failing(Uniform):
    def sample(self, step):
        if os.environ.get("RANK") == "1":
            raise MemoryError("no room today")
        return super().sample(step)
def build(config):
    return Method(sampler=Failing(1), objective=BPR())
"""


@pytest.fixture
def two(monkeypatch):
    """As in the first of two processes."""
    monkeypatch.setattr(data_parallel, "_joined", [DataParallel(0, 2)])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"backbones": ["lightgcn"]}, "of backbones mf and two_tower alone; got lightgcn"),
        ({"methods": ["mcns"]}, "learns from the steps, which each process takes for itself"),
        ({"batch_size": 1}, "a batch needs a row for each of 2 processes; got batch_size=1"),
        ({"jobs": 2}, "train one cell after the other; got --jobs 2 and --engine local"),
        ({"device": "cuda"}, "train on CPUs; got --device cuda; use --device cpu"),
        ({"engine": "dask", "workers": 2}, "got --jobs 1 and --engine dask"),
    ],
)
def test_what_several_processes_cannot_do_is_refused(two, tmp_path, asked, sentence):
    options, out = build(flatten({**SMALL, **asked})), tmp_path / "run"
    with pytest.raises(UserError, match="processes") as refusal:
        check(options, plan(options), out)
    assert sentence in str(refusal.value) and not out.exists()


def test_a_search_goes_on_without_torchrun(two):
    with pytest.raises(UserError, match="torchrun is for `run` and its `resume`; got a search"):
        refuse_torchrun("a search")


def test_several_processes_are_part_of_what_a_cell_is(monkeypatch):
    options = build(flatten({**SMALL, "references": ["most_popular"]}))
    alone = plan(options).cells
    monkeypatch.setattr(data_parallel, "_joined", [DataParallel(0, 2)])
    together = plan(options).cells
    reference, cell = zip(alone, together, strict=True)
    assert reference[0] == reference[1], "one process fits it"
    assert cell[1].resolved == {**cell[0].resolved, "processes": 2}
    assert cell[0].digest != cell[1].digest
    assert device_of(options) == "cpu"


def torchrun(*words):
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    return subprocess.run(
        [sys.executable, *command, "-m", "negbench.cli", *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_a_run_by_two_processes_goes_on_with_two(tmp_path):
    plugin, out = tmp_path / "failing.py", tmp_path / "run"
    plugin.write_text(FAILS)
    flags = f"-d {DATA} --epochs 2 --dim 8 --seeds 1 --no-progress -q -o {out}".split()
    end = torchrun("run", *flags, "-m", "random,failing", "--plugin", str(plugin))
    assert end.returncode == 1
    assert "one has failed (process 1: MemoryError: no room today)" in end.stderr
    cells = {cell.spec["method"]: cell for cell in cell_store.read_cells(out)[0]}
    done, failed = cells["random"], cells["failing"]
    assert done.done and done.spec["processes"] == 2
    assert any("trained by 2 processes" in note for note in done.record["notes"])
    assert not failed.done and "no room today" in failed.failure
    assert json.loads((out / "run.json").read_text())["processes"] == 2
    assert not (out / "claims").exists() and not list(out.glob("checkpoints/*"))
    alone = CliRunner().invoke(main, ["resume", str(out)])
    assert alone.exit_code == 2 and "torchrun --nproc-per-node 2 -m negbench.cli" in alone.stderr
    with pytest.raises(UserError, match="begun with; .* was by 2 processes, and now there is 1"):
        go(out, methods=["dns"], seeds=1)


def test_a_search_under_torchrun_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    end = CliRunner().invoke(main, ["tune", "-d", DATA, "-o", str(tmp_path / "run")])
    assert end.exit_code == 2 and "got tune with 2" in end.stderr
    assert not (tmp_path / "run").exists()
