"""Training: positives a second of every method on every backbone that it allows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from bounds import Bounds
from timing import Rate, Timed
from torch.utils.flop_counter import FlopCounterMode

from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec, unfit
from negbench.scenario.scenario import Scenario
from negbench.training.batches import Sequences
from negbench.training.fit import Fit
from negbench.training.forward import Outcome

BEYOND_WARMUP = 20
SCORES = "passes over rows of scores: masks, a partition, gathers of what is kept"
VECTORS = "passes over the batch's vectors one after the other, beside any dense product"
WHY = {
    "adaptive": SCORES,
    "adaptive_mixed": SCORES,
    "adar": VECTORS,
    "ddrm_sampler": VECTORS + ": the activations of a network",
    "adv_infonce": SCORES + "; and tables of its own that take an Adam step",
    "hcl": SCORES,
    "dns_mn": "thirty-two draws a row of one step, where the bound draws 200,000 at once",
    "til": VECTORS + ": a step ahead, and back through it",
    "dmns": VECTORS + ": a walk of four noise levels",
    "ccdrec_cf": SCORES + ", of which a tenth are sorted; and a small network's activations",
    **dict.fromkeys(("all_items", "in_batch", "mixed", "napo"), SCORES),
    "pdrec_band": "proposals are looked up, scored and held against the band to keep one",
}
"""What else takes the time of a method that is more than twice as far as its bound."""


def training(
    scenario: Scenario, backbone: str, bounds: Bounds, methods: list[str], timed: Timed
) -> Iterator[dict[str, Any]]:
    """A row for each method, `random` first: the others are held against it."""
    least: tuple[Rate, Work] | None = None
    for method in ["random", *(name for name in methods if name != "random")]:
        spec = CellSpec(scenario.interactions.name, backbone, method, probe="off")
        if unfit(spec, scenario):
            continue
        fit = prepare_fit(spec, scenario, torch.device("cpu"))
        stepper = Stepper(fit)
        speed, work = timed(stepper), stepper.work()
        base, plain = least = least or (speed, work)
        yield {
            "what": "training",
            "case": f"{method} on {backbone}",
            "unit": "positives",
            "cpu": speed.cpu,
            "epoch": in_an_epoch(fit) / speed.cpu,
            "wall": speed.wall,
            "wall2": speed.wall2,
            "spread": speed.spread,
            "against": base.cpu / speed.cpu,
            "bound": 1 / (1 / base.cpu + work.beyond(plain, bounds)) / speed.cpu,
            **{name: value for name, value in asdict(work).items() if value},
            "why": WHY.get(method, ""),
        }


def in_an_epoch(fit: Fit) -> int:
    """Positives: every train pair, or every item of a history that has one before it."""
    if isinstance(fit.batches, Sequences):
        return int(fit.batches.counts.sum())
    return len(fit.batches.users)


@dataclass(frozen=True)
class Work:
    """What a method does for one positive, counted and not timed."""

    rows: float
    """Vectors read for products with items of the row's own, and for the gradients of these."""
    macs: float
    """Multiply-adds of dense products: pools, networks and their gradients."""
    draws: float
    """Ids drawn for the row."""
    scores: float
    """Negatives that the loss sees."""

    def beyond(self, plain: "Work", bounds: Bounds) -> float:
        """CPU-seconds that no way of doing this much more than `plain` could be without."""
        more = (
            (self.rows - plain.rows, bounds.gather),
            (self.macs - plain.macs, bounds.gemm),
            (self.draws - plain.draws, bounds.draw),
            (self.scores - plain.scores, bounds.softmax),
        )
        return sum(max(0.0, each) / best for each, best in more)


class Stepper:
    """Does the next step of endless epochs and returns how many positives it held."""

    def __init__(self, fit: Fit) -> None:
        self.fit, self.epoch = fit, BEYOND_WARMUP
        self.steps = self.endless()

    def __call__(self) -> int:
        return len(next(self.steps).rows)

    def endless(self) -> Iterator[Outcome]:
        """Step after step; refreshes fall between epochs, as in a run."""
        fit = self.fit
        fit.backbone.train()
        while True:
            fit.refresh(self.epoch)
            for number, batch in enumerate(fit.batches.epoch(fit.streams["batches"]), 1):
                yield fit.step(batch, self.epoch, number)
            self.epoch += 1

    def work(self) -> Work:
        """What one more step does."""
        with FlopCounterMode(display=False) as counted:
            outcome = next(self.steps)
        n, counter = len(outcome.rows), outcome.step.view.dots
        dots = counter.total - counter.pooled
        used = 0 if outcome.used.shared else outcome.used.n
        return Work(
            rows=dots / n + 2 * used,  # each of a product's two gradients reads vectors again
            macs=counted.get_total_flops() / 2 / n,
            draws=0.0 if outcome.drawn.shared else outcome.drawn.n,
            scores=outcome.used.n,
        )
