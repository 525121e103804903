"""The watch: which steps and rows are looked at, and the meters that each sight is shown to.

`sample` looks at every sixteenth step, at rows enough for some ten thousand negatives, and ranks a
few hundred rows among a few hundred items: a few percent of an epoch (`benchmarks/probes.py`
measures it). `full` looks at all. Its draws come from a stream of its own and it reads without
gradient, so training is bit for bit what it is without.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Protocol

import torch
from torch import Tensor

from negbench.ops import rng
from negbench.probes.band_composition import MakeUp
from negbench.probes.false_negative_rate import Rates
from negbench.probes.gradient_share import Pull
from negbench.probes.hardness import Hardness
from negbench.probes.held_out import HeldOut
from negbench.probes.off_catalogue import OffCatalogue
from negbench.probes.planted import Planted
from negbench.probes.synthesis_path import Path
from negbench.probes.watched_rows import Sight
from negbench.protocol.context import TrainContext
from negbench.protocol.step import Feedback, Negatives, Step
from negbench.scenario.scenario import Scenario


@dataclass(frozen=True)
class Effort:
    """How much is looked at."""

    every: int
    """Steps from one that is watched to the next."""
    negatives: int
    """Negatives of a step that are looked up, in whole rows, at least one row."""
    rows: int
    """Rows of a step that are ranked."""
    items: int
    """Items that they are ranked among."""
    snapped: int = 1 << 62
    """Synthesised negatives of a step whose nearest item is looked for, in whole rows."""


SAMPLE = Effort(every=16, negatives=1 << 16, rows=512, items=256, snapped=256)
FULL = Effort(every=1, negatives=1 << 62, rows=1 << 62, items=1 << 62)


class Meter(Protocol):
    """One idea of what to count."""

    def see(self, sight: Sight) -> None:
        """Count one sight."""
        ...

    def figures(self) -> Mapping[str, float]:
        """The figures of the epoch, and begin anew."""
        ...


class Watch:
    """The default probe."""

    def __init__(self, scenario: Scenario, context: TrainContext, effort: Effort = SAMPLE) -> None:
        """Gather what only a probe may know."""
        self.effort, self.context = effort, context
        self.generator = rng.stream(context.seed, "probe", device=context.device)
        held_out = HeldOut.of(scenario, context)
        labels = torch.tensor(scenario.bands.labels, dtype=torch.long, device=context.device)
        self.exact, self._others = held_out.exact, self._draw_others()
        self.meters: list[Meter] = [
            Rates(held_out),
            Hardness(held_out, lambda: self._others, effort.rows),
            MakeUp(context.counts, labels, scenario.bands.names),
            Pull(),
            OffCatalogue(),
            Path(held_out),
        ]
        if held_out.planted is not None:
            others = lambda: self._others  # noqa: E731
            self.meters.append(Planted(held_out, others, effort.rows, self.generator))

    def wants(self, number: int) -> bool:
        """Whether this step of the epoch, counted from 1, is watched."""
        return (number - 1) % self.effort.every == 0

    @torch.no_grad()
    def watch(self, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback) -> None:
        """Show the step's watched rows to every meter."""
        b, width = len(step.batch), max(1, used.n, drawn.n)
        many = self.effort.negatives if used.vectors is None else self.effort.snapped
        r = min(b, max(1, many // width))
        rows = torch.arange(r, device=self.context.device) * (b // r)
        sight = Sight.of(step, drawn, used, feedback, rows)
        for meter in self.meters if sight else ():
            assert sight is not None
            meter.see(sight)

    def epoch(self, number: int) -> Mapping[str, float]:
        """The epoch's figures; one without a meaning, as a share of nothing, is left out."""
        del number
        self._others = self._draw_others()
        told = (pair for meter in self.meters for pair in meter.figures().items())
        return {name: value for name, value in told if not isnan(value)}

    def _draw_others(self) -> Tensor:
        n = self.context.n_items
        if n <= self.effort.items:
            return torch.arange(n, device=self.context.device)
        order = torch.randperm(n, generator=self.generator, device=self.context.device)
        return order[: self.effort.items]

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint keeps: the stream, and the items of the epoch to come."""
        return {"stream": self.generator.get_state(), "others": self._others}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        self.generator.set_state(state["stream"].cpu())
        self._others = state["others"].to(self.context.device)
