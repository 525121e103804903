"""The cost curve: MF on catalogues of growing size, up to 1 million users and items."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

SIZES = {
    100_000: (5_000, 5_000),
    1_000_000: (50_000, 50_000),
    10_000_000: (500_000, 500_000),
    20_000_000: (1_000_000, 1_000_000),
}
"""Users and items by pairs."""
METHODS = ("random", "popularity", "dns", "mixed")
STEPS = 125
"""A dense Adam step costs the whole table whatever the batch: so few in an epoch of many pairs."""
LEAST = 2048
LARGEST = {"mixed": 16_384}
"""Its rows are scored against a pool of 2,048 or more, several tables of that: a GiB."""

CHILD = """
import json, sys, time, torch
sys.path.insert(0, {here!r})
from scenarios import synthetic_scenario
from work_training import Stepper
from timing import rate
from negbench.experiment.cell.run import prepare_fit
from negbench.training.timing import peak_mb
from negbench.experiment.cell.spec import CellSpec
torch.set_num_threads(1)
n, users, items, method, batch = {n}, {users}, {items}, {method!r}, {batch}
scenario = synthetic_scenario(users, items, n, name="scale")
start = time.perf_counter()
spec = CellSpec("scale", f"mf(batch_size={{batch}})", method, probe="off")
fit = prepare_fit(spec, scenario, torch.device("cpu"))
ready = time.perf_counter() - start
speed = rate(Stepper(fit), 3, least=1.0)
print(json.dumps({{"cpu": speed.cpu, "wall": speed.wall, "spread": speed.spread,
                  "ready": ready, "MiB": peak_mb(torch.device("cpu"))}}))
"""


def scale(here: str, greatest: int) -> Iterator[dict[str, Any]]:
    """Positives a second and peak memory, each in a process of its own; batch grows with the data.

    `x least` is how many times a positive costs what it costs the same method on the least data.
    """
    least: dict[str, float] = {}
    for n, (users, items) in SIZES.items():
        if n > greatest:
            return
        for method in METHODS:
            batch = min(max(LEAST, n // STEPS), LARGEST.get(method, n))
            code = CHILD.format(
                here=here, n=n, users=users, items=items, method=method, batch=batch
            )
            process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            if process.returncode:
                raise RuntimeError(process.stderr)
            speed = json.loads(process.stdout)
            yield {
                "what": "scale",
                "case": f"{method}, {users:,} users, {items:,} items, {n:,} pairs, batch {batch:,}",
                "unit": "positives",
                "pairs": n,
                "method": method,
                "x least": least.setdefault(method, speed["cpu"]) / speed["cpu"],
                **speed,
            }
