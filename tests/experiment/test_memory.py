"""A cell that takes too much memory fails alone: under a real limit, or killed as the system does.

The limit is on the address space of the command and its workers, so that nothing else suffers.
"""

import os
import resource
import subprocess
import sys

from helpers.small_runs import DATA, LOGS, NAME, go, killing

from negbench.experiment.workers.error_reason import NO_MEMORY
from negbench.experiment.workers.local_pool import DIED
from negbench.storage import cell_store

LIMIT = 6 << 30
GREEDY = """
import numpy as np, torch
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Takes too much")
class Greedy(Uniform):
    def sample(self, step):
        {take}
        return super().sample(step)
def build(config):
    return Method(sampler=Greedy(1), objective=BPR())
"""
TAKES = {
    "with_torch": "torch.ones(8 << 28)",
    "with_numpy": "np.ones(1 << 30)",
    "with_python": "bytearray(8 << 30)",
}


def test_a_cell_without_memory_is_named_and_the_others_go_on(tmp_path, plugin):
    out, words = tmp_path / "run", []
    for name, take in TAKES.items():
        words += ["--plugin", plugin(name, GREEDY.format(take=take))]
    words += ["-m", f"{','.join(TAKES)},random", "--seeds", "1", "-o", str(out)]
    process = subprocess.run(
        [sys.executable, "-m", "negbench.cli", "run", "-d", DATA, "--epochs", "1", "-q", *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1 and "Traceback" not in process.stderr
    cells, _ = cell_store.read_cells(out)
    reasons = {cell.spec["method"]: str(cell.record["reason"]) for cell in cells}
    assert reasons.keys() == {*TAKES, "random"} and reasons["random"] == ""
    for name in TAKES:
        assert reasons[name].startswith(NO_MEMORY)
        assert f"{NAME} mf {name}/0: {NO_MEMORY}" in process.stderr


def test_a_worker_killed_for_memory_costs_its_cell_and_a_rerun_does_it_again(tmp_path, plugin):
    """The system's killer sends SIGKILL: so does this, twice, for a cell is tried once more."""
    out, hurt = tmp_path / "run", plugin("hurt", LOGS)
    asked = {"methods": "hurt,random,dns", "plugins": [hurt], "seeds": 1, "epochs": 1, "jobs": 2}
    killed = killing(hurt, [1, 1])
    result = go(out, **asked)
    killed.join()
    assert result.failed == ((f"{NAME} mf hurt/0", DIED),) and result.done == 2
    (lost,) = [cell.record for cell in cell_store.read_cells(out)[0] if not cell.done]
    assert lost["spec"]["method"] == "hurt" and lost["reason"] == DIED
    assert go(out, **asked).done == 3
