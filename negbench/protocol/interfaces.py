"""The interfaces of parts: one verb a kind, optional training callbacks, and the backbone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import torch

from negbench.data.interactions import Csr
from negbench.ops.axes import Pairs, Rows, Scalar, Scores
from negbench.protocol.context import TrainContext
from negbench.protocol.step import Batch, Epoch, Feedback, Negatives, RankingVectors, Step
from negbench.protocol.view import View


@runtime_checkable
class Sampler(Protocol):
    """A negative sampler: draws item ids."""

    def sample(self, step: Step) -> Negatives:
        """The negatives of a step, each with its `logq` where that is known.

        Ids are [B, N], or [K] for a pool that all rows share.
        """
        ...


@runtime_checkable
class Stage(Protocol):
    """A step between sampler and objective: selects, mixes, generates, weights or filters."""

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """New negatives from the given ones."""
        ...


@runtime_checkable
class Objective(Protocol):
    """The loss function of the scores."""

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B], from `s_pos` [B] and `s_neg` [B, N]."""
        ...


@runtime_checkable
class Transform(Protocol):
    """Changes the vectors that are scored, in training and at inference (`step.training`)."""

    def view(self, step: Step) -> View:
        """The view with the changed vectors."""
        ...


@runtime_checkable
class Begins(Protocol):
    """Callback before training: build tables, networks, caches."""

    def begin(self, context: TrainContext) -> None:
        """Called once, before the first epoch."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """Callback before each epoch: refresh pools, ranks or values."""

    def refresh(self, epoch: Epoch) -> None:
        """Called before every epoch, with the backbone's current vectors."""
        ...


@runtime_checkable
class Observes(Protocol):
    """Callback after each step: learn from its results."""

    def observe(self, feedback: Feedback) -> None:
        """Called after every step."""
        ...


@runtime_checkable
class Minimises(Protocol):
    """A part whose parameters are minimised jointly with the backbone."""

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The parameters; called once, after `begin`."""
        ...


@runtime_checkable
class Maximises(Protocol):
    """A part whose parameters maximise the same loss (an adversary)."""

    def maximised(self) -> Iterable[torch.nn.Parameter]:
        """The parameters; called once, after `begin`."""
        ...


@runtime_checkable
class OwnLR(Protocol):
    """A part whose parameters are trained at a learning rate of their own."""

    def own_lr(self) -> float | None:
        """The learning rate, above 0; None for the backbone's. Called once, after `begin`."""
        ...


@runtime_checkable
class SchedulesLR(Protocol):
    """A part that schedules the learning rate."""

    def lr_factor(self, epoch: int) -> float:
        """Factor on the learning rate in `epoch`, counted from 1; above 0."""
        ...


@dataclass(frozen=True)
class Phase:
    """The stretch of training in which a part does what its paper says, at full strength."""

    name: str
    """What works from then on, in a few words: "preference loss"."""
    begins: int
    """The first epoch of it, counted from 1, after any warm-up and ramp."""


@runtime_checkable
class Phases(Protocol):
    """A part with a schedule: a warm-up, a ramp, a freeze or a first stage of another kind.

    Until the phases of all its parts have begun a row is not the method that it is named after. So
    the best epoch and patience start anew when the last one begins, patience stops no run before
    it, and a cell whose budget ends earlier is marked as warm-up only. Any plug-in may declare one:
    in a method of your own, give the part that has the schedule this verb.
    """

    def own_phase(self) -> Phase | None:
        """The phase by the part's settings; None where these leave no schedule."""
        ...


@runtime_checkable
class HasLosses(Protocol):
    """An objective with auxiliary losses."""

    def losses(
        self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives
    ) -> Mapping[str, Scalar]:
        """Scalars by name, added to the mean of the rows."""
        ...


@runtime_checkable
class LogsMetrics(Protocol):
    """A part that logs metrics of each epoch."""

    def epoch_metrics(self) -> Mapping[str, float]:
        """Metrics of the epoch by name; called once after its last step, resets accumulators."""
        ...


@runtime_checkable
class RecordsTriplets(Protocol):
    """A part that records valued triplets; every tensor is [T].

    user, positive, negative, epoch (of the last value) are integers; value, error (its standard
    error) and hardness (score of the negative minus score of the positive when valued) are floats.
    """

    def triplets(self) -> Mapping[str, Pairs]:
        """A bounded sample by these names, called once at the end of a run; may be empty.

        Whether a negative is false is added by the record: parts may not know it.
        """
        ...


@runtime_checkable
class HasState(Protocol):
    """A part with state for checkpoints: tensors and plain values only."""

    def state_dict(self) -> dict[str, Any]:
        """The state of the part."""
        ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Restore the state."""
        ...


@runtime_checkable
class Probe(Protocol):
    """Measures the negatives of training; may know held-out pairs and truth, changes nothing."""

    def wants(self, number: int) -> bool:
        """Whether to look at step `number` of an epoch, counted from 1."""
        ...

    def watch(self, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback) -> None:
        """Called with the negatives as drawn and as used, before the weights are updated."""
        ...

    def epoch(self, number: int) -> Mapping[str, float]:
        """Metrics of the epoch by name; called after its last step."""
        ...


@dataclass(frozen=True, eq=False)
class Method:
    """A composition of parts: what `build(config)` of a method's file returns."""

    sampler: Sampler
    objective: Objective
    stages: tuple[Stage, ...] = ()
    transform: Transform | None = None

    @property
    def parts(self) -> tuple[Any, ...]:
        """Every part in the order of the flow."""
        first = () if self.transform is None else (self.transform,)
        return (*first, self.sampler, *self.stages, self.objective)

    @property
    def own_phase(self) -> Phase | None:
        """The phase of the part whose own begins last; None where no part has a schedule."""
        declared = (part.own_phase() for part in self.parts if isinstance(part, Phases))
        phases = [phase for phase in declared if phase is not None and phase.begins > 1]
        return max(phases, key=lambda phase: phase.begins, default=None)


class Backbone(Protocol):
    """A recommender model: scores items for the rows of a batch, and is trained by its leaves."""

    config: Any
    feed: Literal["pairs", "sequences"]

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """One forward pass; with `cut` its outputs are leaves, without it plain autograd."""
        ...

    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Add the gradients of the leaves, and of the L2 penalty, to the parameters' gradients.

        The penalty is half its weight times the squared norms of each row's user (or history), its
        positive and the mean over its negatives, averaged over the rows: one rule for all methods.
        """
        ...

    def encode(self, history: Csr) -> RankingVectors:
        """Vectors for ranking; `history` [U, I] is each user's past, for sequence backbones."""
        ...

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """The trainable parameters."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The weights."""
        ...

    def load_state_dict(self, state: Mapping[str, Any], /) -> Any:
        """Restore the weights."""
        ...

    def train(self, mode: bool = True, /) -> Any:
        """Set training or inference mode."""
        ...
