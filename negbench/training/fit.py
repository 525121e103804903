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
from negbench.protocol.row_table import HasRowTable
from negbench.protocol.step import Batch, Epoch, Step
from negbench.training.batches import Pairs, Sequences
from negbench.training.config import Progress, TrainConfig
from negbench.training.data_parallel import ALONE, DataParallel
from negbench.training.early_stopping import EarlyStopping
from negbench.training.forward import Outcome, forward, having
from negbench.training.frozen_copy import freeze
from negbench.training.optimisers import (
    drop_gradients,
    flush,
    optimisers,
    parameters_of,
    restore_gradients,
    set_lr,
    zero_gradients,
)
from negbench.training.part_results import plain_numbers
from negbench.training.process_rank import own_stream
from negbench.training.ranking_check import check_ranking
from negbench.training.row_adam import RowAdam
from negbench.training.shared_gradients import AlikeRowAdam
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
        together: DataParallel = ALONE,
    ) -> None:
        """Call `begin` of the parts and build the optimisers; higher `validate` is better.

        `together` are the processes that share the training.
        """
        self.clock, self.progress = Clock(), Progress()  # first: what `begin` takes is a cost too
        context = replace(context, width=backbone.config.dim)
        self.method, self.backbone, self.context, self.config = method, backbone, context, config
        self.together, validate = together, together.judged_by_first(validate)
        self.stopping = EarlyStopping(config, validate, method.own_phase)
        self.probes = probes if together.rank == 0 else ()
        self.streams = {
            name: rng.stream(context.seed, name, device=context.device) for name in STREAMS
        }
        self.streams["negatives"] = own_stream(
            context.seed, "negatives", rank=together.rank, device=context.device
        )
        self.draws: list[torch.Tensor] = []
        """The state of the stream of negatives of each process, where there are several."""
        for part in having(method.parts, Begins):
            part.begin(context)
        self.batches = feed(backbone, context, (together.rank, together.n))
        by_rows = RowAdam if together.n == 1 else AlikeRowAdam
        self.optimisers = optimisers(method, backbone, config.optimiser, by_rows)
        tables = having([backbone], HasRowTable) if together.n == 1 else []
        self.table = tables[0].rows if tables else None
        """Whose gradient is zeroed by rows; in several processes it comes from all of them."""
        self.unusable = UnusableRows(context.device)

    def run(
        self,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        save: Callable[[], None] | None = None,
    ) -> Progress:
        """Train to the end; `on_epoch` gets each epoch's metrics, `save` is called after each."""
        self._go_on_together()
        self.clock.start()
        while not self.progress.stopped:
            row = self.epoch()
            self.progress.rows.append(row)
            seconds = self.together.agreed(self.clock.wall["total"])
            self.stopping.after_epoch(self, row, seconds)
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
        before = replace(self.progress)
        for step, batch in enumerate(self.batches.epoch(self.streams["batches"]), 1):
            self.clock.mark("update")
            outcome = self.step(batch, number, step)
            total += outcome.loss.detach() * len(batch)
            rows += len(batch)
        flush(self.optimisers)
        self.progress.n_rows += rows
        self.progress.n_unusable += self.unusable.take()
        self.progress.epoch = number
        loss = self.together.pool(before, self.progress, float(total))
        loss /= max(1, self.progress.n_rows - before.n_rows)
        if not math.isfinite(loss):
            raise Diverged(
                f"the loss must stay a number; it was {loss} in epoch {number}; lower lr"
            )
        self._compare_weights(number)
        self.clock.mark("update")
        unfilled = self.progress.n_unfilled - before.n_unfilled
        metrics = {"epoch": number, "loss": loss, "n_unfilled": unfilled}
        for part in having((self.backbone, *self.method.parts), LogsMetrics):
            metrics |= plain_numbers(part.epoch_metrics())
        for probe in self.probes:
            metrics |= plain_numbers(probe.epoch(number))
        self.clock.mark("probes")
        return metrics

    def step(self, batch: Batch, epoch: int, number: int) -> Outcome:
        """Forward, backward, update, feedback."""
        zero_gradients(self.optimisers, self.table)
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
        self.together.average(self.optimisers, len(batch))
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

    def _compare_weights(self, number: int) -> None:
        """After epoch `number`: the processes hold the same weights, and the first all streams."""
        self.together.require_alike(parameters_of(self.optimisers), number)
        if self.together.n > 1:
            self.draws = self.together.from_all(self.streams["negatives"].get_state())

    def _go_on_together(self) -> None:
        """Every process goes on where the first one does, which alone has read a checkpoint."""
        if self.together.n > 1:
            own = self.together.rank == 0 and self.progress.epoch
            state = self.together.from_first(self.state_dict() if own else None)
            if state and self.together.rank:
                self.load_state_dict({**state, "probes": []})

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
            **({"draws": self.draws} if self.draws else {}),
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
        if draws := state.get("draws"):
            self.draws = draws
            self.streams["negatives"].set_state(draws[self.together.rank].cpu())
        self.progress = Progress(**state["progress"])
        load_states(self.probes, state["probes"])
        self.clock.restore(state["clock"])


def feed(
    backbone: Backbone, context: TrainContext, part: tuple[int, int] = (0, 1)
) -> Pairs | Sequences:
    """The batches of the kind that this backbone is fed; of pairs a part (i, n) of each."""
    if backbone.feed == "pairs":
        return Pairs(context.train, backbone.config.batch_size, context.device, part)
    config = backbone.config
    return Sequences(context.train, config.batch_size, config.length, context.device)
