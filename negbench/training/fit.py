"""The training loop. It knows no method: it calls the parts' interfaces and the backbone's view.

An epoch calls `refresh` of the parts that have it, takes every batch through `forward`, lets the
backbone scatter the gradients of the leaves, and steps the optimisers. Validation alone stops it
and chooses the weights that are kept (`early_stopping.py`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from negbench.ops import rng
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import (
    Backbone,
    Begins,
    LogsMetrics,
    Method,
    Observes,
    Probe,
    Refreshes,
)
from negbench.protocol.step import Batch, Epoch, Step
from negbench.training.batches import Pairs, Sequences
from negbench.training.config import Progress, TrainConfig
from negbench.training.early_stopping import EarlyStopping
from negbench.training.forward import Outcome, forward, having
from negbench.training.frozen_copy import freeze
from negbench.training.optimisers import (
    drop_gradients,
    flush,
    optimisers,
    restore_gradients,
    set_lr,
    zero_gradients,
)
from negbench.training.ranking_check import check_ranking
from negbench.training.snapshot import load_states, restore, snapshot, states
from negbench.training.timing import Clock
from negbench.training.usable_negatives import UnusableRows

STREAMS = ("batches", "negatives", "backbone", "refresh")


class Diverged(ArithmeticError):
    """The loss has become infinite or NaN."""


class Fit:
    """One training run: `run()` it, then read `progress` and `clock`."""

    def __init__(
        self,
        method: Method,
        backbone: Backbone,
        context: TrainContext,
        config: TrainConfig,
        *,
        validate: Callable[[Backbone], float] | None = None,
        probes: Sequence[Probe] = (),
    ) -> None:
        """Call `begin` of the parts and build the optimisers; higher `validate` is better."""
        self.clock, self.progress = Clock(), Progress()  # first: what `begin` takes is a cost too
        context = replace(context, width=backbone.config.dim)
        self.method, self.backbone, self.context, self.config = method, backbone, context, config
        self.stopping = EarlyStopping(config, validate, method.own_phase)
        self.probes = probes
        self.streams = {
            name: rng.stream(context.seed, name, device=context.device) for name in STREAMS
        }
        for part in having(method.parts, Begins):
            part.begin(context)
        self.batches = feed(backbone, context)
        self.optimisers = optimisers(method, backbone, config.optimiser)
        self.unusable = UnusableRows(context.device)

    def run(
        self,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        save: Callable[[], None] | None = None,
    ) -> Progress:
        """Train to the end; `on_epoch` gets each epoch's metrics, `save` is called after each."""
        self.clock.start()
        while not self.progress.stopped:
            row = self.epoch()
            self.progress.rows.append(row)
            self.stopping.after_epoch(self, row, self.clock.wall["total"])
            if on_epoch:
                on_epoch(row)
            if save:
                save()
        self.stopping.restore_best(self)
        return self.progress

    def epoch(self) -> dict[str, float]:
        """One pass over the train part, and its metrics. Raises Diverged for an infinite loss."""
        number = self.progress.epoch + 1
        self.backbone.train()
        self.refresh(number)
        set_lr(self.optimisers, self.method, self.backbone.config.lr, number)
        total, rows, step = torch.zeros((), device=self.context.device), 0, 0
        unfilled = self.progress.n_unfilled
        for step, batch in enumerate(self.batches.epoch(self.streams["batches"]), 1):
            self.clock.mark("update")
            outcome = self.step(batch, number, step)
            total += outcome.loss.detach() * len(batch)
            rows += len(batch)
        flush(self.optimisers)
        self.progress.n_rows += rows
        self.progress.n_unusable += self.unusable.take()
        self.progress.epoch = number
        loss = float(total) / max(1, rows)
        if not math.isfinite(loss):
            raise Diverged(
                f"the loss must stay a number; it was {loss} in epoch {number}; lower lr"
            )
        self.clock.mark("update")
        metrics = {"epoch": number, "loss": loss, "n_unfilled": self.progress.n_unfilled - unfilled}
        for part in having((self.backbone, *self.method.parts), LogsMetrics):
            metrics |= part.epoch_metrics()
        for probe in self.probes:
            metrics |= probe.epoch(number)
        self.clock.mark("probes")
        return metrics

    def step(self, batch: Batch, epoch: int, number: int) -> Outcome:
        """Forward, backward, update, feedback."""
        zero_gradients(self.optimisers)
        view = self.backbone.view(batch, self.streams["backbone"])
        if number == 1:
            check_ranking(view, self.backbone, self.context.train)
        self.clock.mark("scoring")
        step = Step(batch, view, self.context, epoch, number, self.streams["negatives"])
        outcome = forward(self.method, step, self.clock.mark)
        watching = [probe for probe in self.probes if probe.wants(number)]
        if watching and outcome.s_neg.requires_grad:
            outcome.s_neg.retain_grad()
        if outcome.loss.requires_grad:
            outcome.loss.backward()  # type: ignore[no-untyped-call]
        self._watch(watching, outcome)
        if view.leaves is None or view.leaves.reached():
            self.backbone.backward(batch, view, outcome.used)
        else:  # the parts learn alone: no L2 either, and no move by what momentum is left
            drop_gradients(self.backbone.parameters())
        for optimiser in self.optimisers:
            optimiser.step()
        self.clock.mark("update")
        self._count_and_observe(outcome)
        return outcome

    def _watch(self, watching: Sequence[Probe], outcome: Outcome) -> None:
        """Before the update: a probe sees the scores that the negatives were selected by."""
        if not watching:
            return
        self.clock.mark("update")
        feedback = outcome.feedback()
        for probe in watching:
            probe.watch(outcome.step, outcome.drawn, outcome.used, feedback)
        self.clock.mark("probes")

    def _count_and_observe(self, outcome: Outcome) -> None:
        mask, now = outcome.drawn.mask, self.progress
        if mask is not None and not outcome.drawn.shared:
            now.n_unfilled += int((~mask).sum())
        self.unusable.add(outcome.used, outcome.rows.shape[0])
        now.negatives += outcome.rows.shape[0] * outcome.used.n
        now.dots += outcome.step.view.dots.total
        if observing := having(self.method.parts, Observes):
            feedback = outcome.feedback()
            for part in observing:
                part.observe(feedback)

    def refresh(self, number: int) -> None:
        """Call `refresh` of the parts that have it, before epoch `number`."""
        refreshing = having(self.method.parts, Refreshes)
        if not refreshing:
            return
        encoded = self.backbone.encode(self.context.train)
        vectors = encoded.items, encoded.users, encoded.similarity
        extras = self.streams["refresh"], freeze(self.backbone), encoded.tangent_kernel
        epoch = Epoch(number, self.context, *vectors, *extras)
        with torch.no_grad():
            for part in refreshing:
                part.refresh(epoch)
        self.clock.mark("sampling")

    def state_dict(self) -> dict[str, Any]:
        """Everything that resuming needs: tensors and plain values only."""
        return {
            "now": snapshot(self.backbone, self.method),
            "best": self.stopping.best,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "streams": {name: stream.get_state() for name, stream in self.streams.items()},
            "progress": dict(vars(self.progress)),
            "probes": states(self.probes),
            "clock": self.clock.state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume where the state was taken, bit for bit."""
        restore(state["now"], self.backbone, self.method)
        self.stopping.best = state["best"]
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        restore_gradients(self.optimisers)
        for name, saved in state["streams"].items():
            self.streams[name].set_state(saved.cpu())
        self.progress = Progress(**state["progress"])
        load_states(self.probes, state["probes"])
        self.clock.restore(state["clock"])


def feed(backbone: Backbone, context: TrainContext) -> Pairs | Sequences:
    """The batches of the kind that this backbone is fed."""
    if backbone.feed == "pairs":
        return Pairs(context.train, backbone.config.batch_size, context.device)
    config = backbone.config
    return Sequences(context.train, config.batch_size, config.length, context.device)
