"""Steps of MF or two towers on 10,000 to 10 million items: dense Adam beside Adam by rows.

python benchmarks/many_items.py --greatest 1000000       every size up to a million items
python benchmarks/many_items.py --backbone two_tower     likewise of two towers
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap

from negbench.backbones import mf, two_tower
from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.ops import rng
from negbench.protocol import TrainContext
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.optimisers import updated_by_rows

SIZES = {10_000: 100_000, 100_000: 1_000_000, 1_000_000: 10_000_000, 10_000_000: 100_000_000}
"""Pairs by items; users are a tenth of the items."""
METHODS = ("random", "popularity", "in_batch", "mixed", "dns(candidates=32)")
OPTIMISERS = ("adam_exact", "adam")
BACKBONES = {"mf": (mf, mf.Config(l2=1e-4)), "two_tower": (two_tower, two_tower.Config())}
WARM_UP = 5
CHUNK = 1 << 22


def many_items(
    greatest: int, steps: int, methods: tuple[str, ...], name: str = "mf", least: int = 0
) -> Iterator[dict[str, Any]]:
    """A row for each size, method and optimiser, each measured in a process of its own.

    `x exact` is how many times faster its step is than the one before it, with dense Adam.
    """
    for n_items, pairs in SIZES.items():
        if n_items > greatest:
            return
        if n_items < least:
            continue
        for method in methods:
            exact = 0.0
            for optimiser in OPTIMISERS:
                if name == "two_tower" and optimiser == "adam_exact" and n_items > 1_000_000:
                    continue  # the vectors of all items, with gradient, do not fit the memory
                words = [name, str(n_items), str(pairs), method, optimiser, str(steps)]
                child = [sys.executable, __file__, "--one", *words]
                process = subprocess.run(child, capture_output=True, text=True)
                if process.returncode:
                    raise RuntimeError(process.stderr)
                row = json.loads(process.stdout)
                exact = exact or row["ms"]
                yield {
                    "what": "items",
                    "case": f"{name}, {method}, {n_items:,} items, {pairs:,} pairs, {optimiser}",
                    "method": f"{name}, {method.partition('(')[0]}, {optimiser}",
                    "items": n_items,
                    "pairs": pairs,
                    "unit": "positives",
                    "x exact": exact / row["ms"],
                    **row,
                }


def one(
    name: str, n_items: int, pairs: int, method: str, optimiser: str, steps: int
) -> dict[str, Any]:
    """Milliseconds of CPU a step, the median; pairs that come from a memory-mapped file."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        train = synthetic_pairs(Path(folder) / "items.npy", n_items // 10, n_items, pairs)
        start = time.process_time()
        excluded = Membership.of(train)
        seconds = time.process_time() - start
        counts = torch.from_numpy(train.occurrences.astype(np.float32))
        context = TrainContext(train=train, counts=counts, excluded=excluded)
        module, settings = BACKBONES[name]
        backbone = module.build(settings, context, rng.stream(0, "init"))
        config = TrainConfig(optimiser=optimiser)
        fit = Fit(recipe(method).build(), backbone, context, config)
        taken = list(step_seconds(fit, steps))
    ms = 1000 * median(taken)
    return {
        "ms": ms,
        "spread": (max(taken) - min(taken)) / median(taken),
        "cpu": backbone.config.batch_size / ms * 1000,
        "by rows": updated_by_rows(fit.optimisers),
        "membership": pairs / seconds,
        "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def step_seconds(fit: Fit, steps: int) -> Iterator[float]:
    """CPU-seconds of steps of an epoch, but for the first few."""
    fit.backbone.train()
    fit.refresh(1)
    batches = fit.batches.epoch(fit.streams["batches"])
    for number, batch in enumerate(batches, 1):
        if number > WARM_UP + steps:
            return
        start = time.process_time()
        fit.step(batch, 1, number)
        if number > WARM_UP:
            yield time.process_time() - start


def synthetic_pairs(path: Path, n_users: int, n_items: int, n: int) -> Csr:
    """About n pairs, the items of each user in a file: alike users, popular items more often."""
    random = np.random.default_rng(0)
    indptr = np.zeros(n_users + 1, np.int64)
    np.cumsum(np.bincount(random.integers(0, n_users, n), minlength=n_users), out=indptr[1:])
    file = open_memmap(path, "w+", np.int32, (n,))
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        file[start : start + size] = n_items * random.random(size) ** 3
    file.flush()
    return Csr(indptr, np.load(path, mmap_mode="r", allow_pickle=False), n_items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--greatest", type=int, default=1_000_000, help="items")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--least", type=int, default=0, help="items")
    parser.add_argument("--backbone", choices=BACKBONES, default="mf")
    parser.add_argument("--one", nargs=6, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        name, n_items, pairs, method, optimiser, steps = args.one
        row = one(name, int(n_items), int(pairs), method, optimiser, int(steps))
        sys.stdout.write(json.dumps(row) + "\n")
        return
    methods = tuple(args.methods.split(","))
    for row in many_items(args.greatest, args.steps, methods, args.backbone, args.least):
        sys.stdout.write(
            f"{row['case']:72} {row['ms']:9.2f} ms a step  x {row['x exact']:5.2f}  "
            f"{row['MiB']:7.0f} MiB  {row['membership'] / 1e6:.1f} M pairs/CPU-s of membership"
            f"{'  by rows' if row['by rows'] else ''}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
