"""The loop. It knows no method: it asks parts for their verbs, and the backbone for its view.

An epoch refreshes the parts that ask for it, takes every batch through `step.forward`, lets the
backbone carry the gradients of the leaves back, and steps the optimisers. Validation alone stops it
and chooses the weights that are kept.
"""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from negbench.ops import rng
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import (
    Backbone,
    Begins,
    HasState,
    LogsMetrics,
    Method,
    Observes,
    Probe,
    Refreshes,
)
from negbench.protocol.step import Batch, Epoch, Step
from negbench.training.batches import Pairs, Sequences
from negbench.training.forward import Outcome, forward, having
from negbench.training.frozen_copy import freeze_later
from negbench.training.optimisers import optimisers, set_lr, zero
from negbench.training.timing import Clock

STREAMS = ("batches", "negatives", "backbone", "refresh")


class Diverged(ArithmeticError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class TrainConfig:
    """The budget, the same for every method."""

    epochs: int = 100
    """At most this many."""
    patience: int = 5
    """Stop after this many evaluations without gain on the valid part."""
    eval_every: int = 1
    """Epochs between evaluations."""
    select: str = "ndcg@20"
    """The validation metric that stops and chooses."""
    lr: float | None = None
    """Override of the backbones' own step size; None leaves it."""
    l2: float | None = None
    """Override of the backbones' own L2 weight."""
    dim: int | None = None
    """Override of the backbones' own width."""
    batch_size: int | None = None
    """Override of the backbones' own batch size."""
    time_limit: float = 0.0
    """Seconds a cell may train, 0 = no limit; a cell that meets it says so."""

    def __post_init__(self) -> None:
        """Refuse a budget that trains nothing."""
        for name in ("epochs", "patience", "eval_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1; got {getattr(self, name)}")


@dataclass
class Progress:
    """How far a fit has come: all that a checkpoint must hold beside weights and streams."""

    epoch: int = 0
    best_epoch: int = 0
    best_valid: float = -math.inf
    n_unfilled: int = 0
    negatives: int = 0
    """Negatives used so far, masked ones too."""
    dots: int = 0
    """User-item dot products of the steps so far."""
    rows: list[dict[str, float]] = field(default_factory=list)
    stopped: str = ""


class Fit:
    """One training: made, run with `run()`, and read from `progress` and `clock`."""

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
        """Begin the parts and make the optimisers; `validate` is higher for better."""
        context = replace(context, width=backbone.config.dim)
        self.method, self.backbone, self.context, self.config = method, backbone, context, config
        self.validate, self.probes = validate, probes
        self.streams = {
            name: rng.stream(context.seed, name, device=context.device) for name in STREAMS
        }
        for part in having(method, Begins):
            part.begin(context)
        self.batches = feed(backbone, context)
        self.optimisers = optimisers(method, backbone)
        self.clock, self.progress = Clock(), Progress()
        self.best: dict[str, Any] = {}

    def run(
        self,
        tell: Callable[[Mapping[str, float]], None] | None = None,
        save: Callable[[], None] | None = None,
    ) -> Progress:
        """Train to the end; `tell` hears every epoch, `save` is called after each."""
        self.clock.start()
        began = time.perf_counter() - self.clock.wall["total"]
        while not self.progress.stopped:
            row = self.epoch()
            self.progress.rows.append(row)
            self._judge(row, time.perf_counter() - began)
            if tell:
                tell(row)
            if save:
                save()
        self._restore_best()
        return self.progress

    def epoch(self) -> dict[str, float]:
        """One pass over the train part, and its figures."""
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
        self.progress.epoch = number
        loss = float(total) / max(1, rows)
        if not math.isfinite(loss):
            raise Diverged(
                f"the loss must stay a number; it was {loss} in epoch {number}; lower lr"
            )
        self.clock.mark("update")
        told = {"epoch": number, "loss": loss, "n_unfilled": self.progress.n_unfilled - unfilled}
        for part in (self.backbone, *self.method.parts):
            told |= part.epoch_metrics() if isinstance(part, LogsMetrics) else {}
        for probe in self.probes:
            told |= probe.epoch(number)
        self.clock.mark("probes")
        return told

    def step(self, batch: Batch, epoch: int, number: int) -> Outcome:
        """Forward, backward, update, feedback."""
        zero(self.optimisers)
        view = self.backbone.view(batch, self.streams["backbone"])
        self.clock.mark("scoring")
        step = Step(batch, view, self.context, epoch, number, self.streams["negatives"])
        outcome = forward(self.method, step, self.clock.mark)
        watching = [probe for probe in self.probes if probe.wants(number)]
        if watching and outcome.s_neg.requires_grad:
            outcome.s_neg.retain_grad()
        if outcome.loss.requires_grad:
            outcome.loss.backward()  # type: ignore[no-untyped-call]
        self._watch(watching, outcome)
        self.backbone.backward(batch, view, outcome.used)
        for optimiser in self.optimisers:
            optimiser.step()
        self.clock.mark("update")
        self._feed_back(outcome)
        return outcome

    def _watch(self, watching: Sequence[Probe], outcome: Outcome) -> None:
        """Before the weights move: a probe sees the scores that the negatives were drawn by."""
        if not watching:
            return
        self.clock.mark("update")
        feedback = outcome.feedback()
        for probe in watching:
            probe.watch(outcome.step, outcome.drawn, outcome.used, feedback)
        self.clock.mark("probes")

    def _feed_back(self, outcome: Outcome) -> None:
        mask, now = outcome.drawn.mask, self.progress
        if mask is not None and not outcome.drawn.shared:
            now.n_unfilled += int((~mask).sum())
        now.negatives += outcome.rows.shape[0] * outcome.used.n
        leaves = outcome.step.view.leaves
        now.dots += leaves.dots if leaves is not None else 0
        if observing := having(self.method, Observes):
            feedback = outcome.feedback()
            for part in observing:
                part.observe(feedback)

    def refresh(self, number: int) -> None:
        """Let the parts that ask for it renew their tables before epoch `number`."""
        asking = having(self.method, Refreshes)
        if not asking:
            return
        encoded = self.backbone.encode(self.context.train)
        vectors = encoded.items, encoded.users, encoded.similarity
        extras = self.streams["refresh"], freeze_later(self.backbone), encoded.tangent_kernel
        epoch = Epoch(number, self.context, *vectors, *extras)
        with torch.no_grad():
            for part in asking:
                part.refresh(epoch)
        self.clock.mark("sampling")

    def _judge(self, row: dict[str, float], spent: float) -> None:
        now, config = self.progress, self.config
        last = now.epoch >= config.epochs or 0 < config.time_limit <= spent
        if self.validate and (last or now.epoch % config.eval_every == 0):
            self.backbone.train(False)
            value = self.validate(self.backbone)
            self.clock.mark("evaluation")
            row[f"valid_{config.select}"] = value
            if value > now.best_valid:
                now.best_epoch, now.best_valid = now.epoch, value
                self.best = copy.deepcopy(snapshot(self.backbone, self.method))
            elif now.epoch - now.best_epoch >= config.patience * config.eval_every:
                now.stopped = "patience"
        row["wall"], row["cpu"] = self.clock.wall["total"], self.clock.cpu["total"]
        if last and not now.stopped:
            now.stopped = "epochs" if now.epoch >= config.epochs else "time limit"

    def _restore_best(self) -> None:
        if self.best:
            restore(self.best, self.backbone, self.method)
        else:
            self.progress.best_epoch = self.progress.epoch
        self.backbone.train(False)

    def state_dict(self) -> dict[str, Any]:
        """Everything that going on needs: tensors and plain values only."""
        return {
            "now": snapshot(self.backbone, self.method),
            "best": self.best,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "streams": {name: stream.get_state() for name, stream in self.streams.items()},
            "progress": dict(vars(self.progress)),
            "probes": [p.state_dict() if isinstance(p, HasState) else None for p in self.probes],
            "clock": self.clock.state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken, bit for bit."""
        restore(state["now"], self.backbone, self.method)
        self.best = state["best"]
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        for name, saved in state["streams"].items():
            self.streams[name].set_state(saved.cpu())
        self.progress = Progress(**state["progress"])
        for probe, saved in zip(self.probes, state["probes"], strict=True):
            if isinstance(probe, HasState):
                probe.load_state_dict(saved)
        self.clock.restore(state["clock"])


def feed(backbone: Backbone, context: TrainContext) -> Pairs | Sequences:
    """The batches that this backbone reads."""
    if backbone.feed == "pairs":
        return Pairs(context.train, backbone.config.batch_size, context.device)
    config = backbone.config
    return Sequences(context.train, config.batch_size, config.length, context.device)


def snapshot(backbone: Backbone, method: Method) -> dict[str, Any]:
    """The weights of the backbone and the state of every part that has one."""
    parts = [part.state_dict() if isinstance(part, HasState) else None for part in method.parts]
    return {"backbone": dict(backbone.state_dict()), "parts": parts}


def restore(saved: dict[str, Any], backbone: Backbone, method: Method) -> None:
    """Put a snapshot back."""
    backbone.load_state_dict(saved["backbone"])
    for part, state in zip(method.parts, saved["parts"], strict=True):
        if state is not None:
            part.load_state_dict(state)
