"""Training: positives a second of every method on every backbone that it allows."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from bounds import Bounds, D
from timing import Rate, rate

from negbench.cell import prepare_fit
from negbench.ground import Ground
from negbench.spec import CellSpec, unfit
from negbench.train import Fit

BEYOND_WARMUP = 20
STEPS = 4
"""Steps that are timed at a time."""


def training(
    ground: Ground, backbone: str, bounds: Bounds, methods: list[str], repeats: int
) -> Iterator[dict[str, Any]]:
    """A row for each method, `random` first: the others are held against it."""
    base: Rate | None = None
    for method in ["random", *(name for name in methods if name != "random")]:
        spec = CellSpec(ground.interactions.name, backbone, method, probe="off")
        if unfit(spec, ground):
            continue
        fit = prepare_fit(spec, ground, torch.device("cpu"))
        stepper = Stepper(fit)
        found = rate(stepper, repeats)
        base = base or found
        yield {
            "what": "training",
            "case": f"{method} on {backbone}",
            "unit": "positives",
            "cpu": found.cpu,
            "wall": found.wall,
            "spread": found.spread,
            "against": base.cpu / found.cpu,
            "bound": bound(stepper, base, bounds) / found.cpu,
        }


class Stepper:
    """Does a few steps of endless epochs and says how many positives they held."""

    def __init__(self, fit: Fit) -> None:
        self.fit, self.rows, self.epoch = fit, 0, BEYOND_WARMUP
        self.shared, self.steps = False, self.endless()

    def __call__(self) -> int:
        done = sum(islice(self.steps, STEPS))
        self.rows += done
        return done

    def endless(self) -> Iterator[int]:
        """Rows of each step; refreshes fall between epochs, as in a run."""
        fit = self.fit
        fit.backbone.train()
        while True:
            fit.refresh(self.epoch)
            for number, batch in enumerate(fit.batches.epoch(fit.streams["batches"]), 1):
                self.shared = fit.step(batch, self.epoch, number).drawn.shared
                yield len(batch)
            self.epoch += 1


def bound(stepper: Stepper, base: Rate, bounds: Bounds) -> float:
    """Positives a CPU-second if a method cost no more than `random` and its dot products.

    A dot of a row's own negative is bound by the gather of its vector, one of a shared pool by the
    matrix product and the two of its gradients. Passes of networks are not in it.
    """
    dots = stepper.fit.progress.dots / stepper.rows - 2
    each = 1 / bounds.gather if not stepper.shared else 3 * D / bounds.gemm
    return 1 / (1 / base.cpu + max(0, dots) * each)
