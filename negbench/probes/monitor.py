"""Subsamples steps and rows during training and feeds them to the meters.

`sample` watches every sixteenth step, enough rows for some ten thousand negatives, and ranks a few
hundred rows among a few hundred items. False negatives are rare and cheap to count, so in between
it counts them alone, in as many evenly spaced steps as hold `events` of them under uniform draws,
or in all: so many fix a rate to 10 %. That is a few percent of an epoch (`benchmarks/probes.py`
measures it). `full` watches everything. The monitor draws from its own random stream and reads
without gradient, so training is bit for bit the same without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Protocol

import torch

from negbench.ops import rng
from negbench.ops.axes import PoolIds
from negbench.probes.band_composition import BandComposition
from negbench.probes.false_negative_rate import FalseNegativeRate
from negbench.probes.gradient_share import GradientShare
from negbench.probes.hardness import Hardness
from negbench.probes.held_out import HeldOut, rate_of_rows
from negbench.probes.negative_ids import StepsToCount
from negbench.probes.off_catalogue import OffCatalogue
from negbench.probes.planted import PlantedNegatives
from negbench.probes.synthesis_path import SynthesisPath
from negbench.probes.true_negative_rate import TrueNegativeRate
from negbench.probes.watched_rows import WatchedRows
from negbench.protocol.context import TrainContext
from negbench.protocol.step import Feedback, Negatives, Step
from negbench.scenario.scenario import Scenario


@dataclass(frozen=True)
class Budget:
    """How many steps, rows, negatives and items are watched."""

    every: int
    """One step in so many is watched."""
    negatives: int
    """Negatives of a step that are watched, in whole rows, at least one row."""
    rows: int
    """Rows of a step that are ranked."""
    items: int
    """Items among which they are ranked."""
    snapped: int = 1 << 62
    """Synthesised negatives of a step whose nearest item is searched, in whole rows."""
    events: float = 0.0
    """Expected false negatives, under uniform draws, among those counted in an epoch, as of draws
    for a row each: of rows with many negatives more are counted, for these are alike."""
    counted: int = 1 << 15
    """Negatives that are counted in a step which is not watched otherwise, in whole rows."""


EVENTS = 400
"""So many events give a rate to 10 %: half a 95 % interval is 1.96 / sqrt(400) of it."""
SAMPLE = Budget(every=16, negatives=1 << 16, rows=512, items=256, snapped=256, events=EVENTS)
FULL = Budget(every=1, negatives=1 << 62, rows=1 << 62, items=1 << 62)


class Meter(Protocol):
    """A measure of the watched rows, accumulated over an epoch."""

    def update(self, watched: WatchedRows) -> None:
        """Add the watched rows of a step."""
        ...

    def epoch_metrics(self) -> Mapping[str, float]:
        """Metrics of the epoch by name; resets the accumulators."""
        ...


class Monitor:
    """The default probe: false negatives, hardness, bands, weights and gradients."""

    def __init__(self, scenario: Scenario, context: TrainContext, budget: Budget = SAMPLE) -> None:
        """Collect the held-out pairs and make the meters."""
        self.budget, self.context = budget, context
        self.generator = rng.stream(context.seed, "probe", device=context.device)
        self.held_out = held_out = HeldOut.of(scenario, context)
        rows = torch.from_numpy(context.train.lengths).to(context.device)
        (self.chance, self.alike), self.counted = rate_of_rows(held_out.rate, rows), 0.0
        self.false_negatives, self.to_count = FalseNegativeRate(held_out), StepsToCount()
        labels = torch.tensor(scenario.bands.labels, dtype=torch.long, device=context.device)
        self.exact, self._others = held_out.exact, self._draw_others()
        self.any_negatives = False
        self.meters: list[Meter] = [
            self.false_negatives,
            Hardness(held_out, lambda: self._others, budget.rows),
            BandComposition(context.counts, labels, scenario.bands.names),
            GradientShare(),
            OffCatalogue(),
            SynthesisPath(held_out),
        ]
        self.true_negatives = TrueNegativeRate(scenario, context)
        if self.true_negatives.measures:
            self.meters.append(self.true_negatives)
        if held_out.planted is not None:
            others = lambda: self._others  # noqa: E731
            self.meters.append(PlantedNegatives(held_out, others, budget.rows, self.generator))

    def wants(self, number: int) -> bool:
        """Whether this step of the epoch, counted from 1, is watched, or its false negatives are.

        The first step is always watched; its number of negatives tells how many to count.
        """
        share = self.counted
        return self._watched(number) or int(number * share) > int((number - 1) * share)

    def _watched(self, number: int) -> bool:
        return (number - 1) % self.budget.every == 0

    @torch.no_grad()
    def watch(self, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback) -> None:
        """Feed the step's watched rows to every meter, or to that of false negatives alone."""
        b, width = len(step.batch), max(1, used.n, drawn.n)
        if step.number == 1:
            self.counted = self._share(b, used.n, width)
        self.any_negatives |= used.n > 0
        if not self._watched(step.number):
            self.to_count.add(step, drawn, used, self.budget.counted // width)
            if self.to_count.full:
                self._count()
            return
        limit = self.budget.snapped if used.record_ids is None else self.budget.negatives
        r = min(b, max(1, limit // width))
        rows = torch.arange(r, device=self.context.device) * (b // r)
        watched = WatchedRows.of(step, drawn, used, feedback, rows)
        for meter in self.meters if watched else ():
            assert watched is not None
            meter.update(watched)

    @torch.no_grad()
    def _count(self) -> None:
        for negatives in self.to_count.take():
            self.false_negatives.update(negatives)
            if self.true_negatives.measures:
                self.true_negatives.update(negatives)

    def _share(self, b: int, n: int, width: int) -> float:
        """The share of the steps to count in, for batches of b rows with n negatives each."""
        rows = min(b, max(1, self.budget.counted // width))
        steps = len(self.context.train) / max(1, b)
        in_all = self.chance * rows * n * steps / (1 + (n - 1) * self.alike)
        return min(1.0, self.budget.events / in_all) if in_all else 0.0

    def epoch(self, number: int) -> Mapping[str, float]:
        """Metrics of the epoch by name, without those that are NaN (an average of nothing).

        None at all where the method used no negatives: 0 of 0 would read as a count.
        """
        del number
        self._count()
        self._others = self._draw_others()
        any_negatives, self.any_negatives = self.any_negatives, False
        if not any_negatives:
            return {}
        metrics = (pair for meter in self.meters for pair in meter.epoch_metrics().items())
        return {name: value for name, value in metrics if not isnan(value)}

    def _draw_others(self) -> PoolIds:
        n = self.context.n_items
        if n <= self.budget.items:
            return torch.arange(n, device=self.context.device)
        order = torch.randperm(n, generator=self.generator, device=self.context.device)
        return order[: self.budget.items]

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the random stream and the items of the next epoch."""
        return {"stream": self.generator.get_state(), "others": self._others}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.generator.set_state(state["stream"].cpu())
        self._others = state["others"].to(self.context.device)
