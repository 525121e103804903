"""Times one pairing of data, backbone and method on the real data; the fit is thrown away.

A method with a phase of its own (`Phases`) is timed before it and in it, and its refreshes one
after the other up to there, for one of them may train a generator.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.estimate.stopwatch import Deadline, Stopwatch
from negbench.ops import rng
from negbench.protocol.step import Batch
from negbench.scenario.scenario import Scenario
from negbench.training.fit import Fit
from negbench.training.snapshot import snapshot

STEPS = (3, 12)
"""At least and at most so many steps are timed, spread over an epoch: probes watch some of them."""
ENOUGH = 0.3
"""Seconds of steps after which no further one is timed."""
WINDOW = 5
"""Refreshes after the first of a phase whose mean stands for all later ones."""
LONG = 60.0
"""Seconds of refreshes after which the rest of a warm-up is not walked through."""


@dataclass(frozen=True)
class Costs:
    """Seconds of the parts of a cell."""

    steps: int
    """Steps of an epoch."""
    begins: int
    """The first epoch of the method's own phase, 1 where it has no schedule."""
    preparation: float
    """Before the first step: tables, networks, text vectors."""
    plain: float
    """A step before the phase."""
    step: float
    """A step in the phase."""
    refreshes: tuple[float, ...]
    """The refreshes of the first epochs, one after the other."""
    refresh: float
    """A later refresh, on average."""

    def training(self, epochs: int) -> float:
        """Seconds of preparation, steps and refreshes of so many epochs."""
        before = min(epochs, self.begins - 1)
        steps = self.steps * (before * self.plain + (epochs - before) * self.step)
        later = max(0, epochs - len(self.refreshes)) * self.refresh
        return self.preparation + steps + sum(self.refreshes[:epochs]) + later

    @property
    def epoch(self) -> float:
        """Seconds of an epoch in the phase."""
        return self.steps * self.step + self.refresh


class Pairing:
    """A fit of its own for one planned cell, with random streams of its own: it changes no cell."""

    def __init__(
        self, planned: PlannedCell, scenario: Scenario, watch: Stopwatch, deadline: Deadline
    ) -> None:
        """Prepare the fit, and time that."""
        self.watch, self.deadline = watch, deadline
        started = watch.now()
        self.fit: Fit = prepare_fit(planned.spec, scenario, watch.device)
        self.preparation = watch.now() - started
        self.begins = self.fit.stopping.begins
        self.rankings = 2 if planned.spec.watch_test else 1
        self.stream = rng.stream(planned.spec.seed, "estimate", device=watch.device)

    def costs(self) -> Costs:
        """Time the refreshes and the steps."""
        fit, begins = self.fit, self.begins
        fit.backbone.train()
        refreshes = [self._refresh(1)]
        plain = self._step(1) if begins > 1 else 0.0
        refreshes += self._refreshes()
        step = self._step(begins)
        later = refreshes[begins:]
        return Costs(
            steps=len(fit.batches),
            begins=begins,
            preparation=self.preparation,
            plain=plain,
            step=step,
            refreshes=tuple(refreshes),
            refresh=sum(later) / len(later),
        )

    def validation(self) -> float:
        """Seconds of a validation and of keeping the best weights; 0 without a validation part.

        The test part of the same users takes as long, where it is watched.
        """
        fit, validate = self.fit, self.fit.stopping.validate
        if validate is None:
            return 0.0
        fit.backbone.train(False)
        seconds = self.watch.time(lambda: validate(fit.backbone)) * self.rankings
        return seconds + self.watch.time(lambda: copy.deepcopy(snapshot(fit.backbone, fit.method)))

    def _refresh(self, epoch: int) -> float:
        with self.deadline.breaking_off():
            return self.watch.time(lambda: self.fit.refresh(epoch))

    def _refreshes(self) -> Iterator[float]:
        """Those of epoch 2 up to the window's end; a long warm-up goes by the mean of its own."""
        walked: list[float] = []
        for epoch in range(2, self.begins + 1 + WINDOW):
            long = sum(walked) > LONG
            if long and epoch < self.begins:
                yield sum(walked) / len(walked)
                continue
            if long and epoch > self.begins + 1:
                return
            walked.append(self._refresh(epoch))
            yield walked[-1]

    def _step(self, epoch: int) -> float:
        """Mean seconds of a step of this epoch and those after it, after one to warm up.

        Batches as training has them, since the rows of a chunk are drawn together.
        """
        least, most = STEPS
        steps, seconds = len(self.fit.batches), 0.0
        with self.deadline.breaking_off():
            self.fit.step(next(self._batches()), epoch, 1)
            for at, batch in enumerate(islice(self._batches(), most)):
                number = 1 + at * steps // most
                seconds += self.watch.time(partial(self.fit.step, batch, epoch + at, number))
                if at + 1 >= least and seconds > ENOUGH:
                    break
        return seconds / (at + 1)

    def _batches(self) -> Iterator[Batch]:
        """Batches of one epoch after the other."""
        while True:
            yield from self.fit.batches.epoch(self.stream)
