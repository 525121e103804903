"""The kinds of part, one verb each, and the lifecycle calls that a part may have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.protocol.context import TrainContext
from negbench.protocol.step import Batch, Epoch, Feedback, Negatives, RankingVectors, Step
from negbench.protocol.view import View


@runtime_checkable
class Sampler(Protocol):
    """Draws ids."""

    def sample(self, step: Step) -> Negatives:
        """The negatives of a step, each with its `logq` where that is known."""
        ...


@runtime_checkable
class Stage(Protocol):
    """Selects, mixes or generates, weighs, filters."""

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """New negatives from the ones that came."""
        ...


@runtime_checkable
class Objective(Protocol):
    """Says what is minimised."""

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B], from `s_pos` [B] and `s_neg` [B, N]."""
        ...


@runtime_checkable
class Transform(Protocol):
    """Changes what is scored, in training and at inference (`step.training`)."""

    def view(self, step: Step) -> View:
        """A new view."""
        ...


@runtime_checkable
class Begins(Protocol):
    """A part that builds tables once, before the first step."""

    def begin(self, context: TrainContext) -> None:
        """Called once, before the first epoch."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """A part that renews pools, ranks or values."""

    def refresh(self, epoch: Epoch) -> None:
        """Called before every epoch, with the backbone's vectors as they are."""
        ...


@runtime_checkable
class Observes(Protocol):
    """A part that learns from what came of a step."""

    def observe(self, feedback: Feedback) -> None:
        """Called after every step."""
        ...


@runtime_checkable
class Minimises(Protocol):
    """A part with parameters that go down the loss together with the backbone's."""

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """Asked once, after `begin`."""
        ...


@runtime_checkable
class Maximises(Protocol):
    """A part with parameters that go up the same loss (an adversary)."""

    def maximised(self) -> Iterable[torch.nn.Parameter]:
        """Asked once, after `begin`."""
        ...


@runtime_checkable
class SchedulesLR(Protocol):
    """A part whose stages of training take steps of other sizes."""

    def lr_factor(self, epoch: int) -> float:
        """What the backbone's step size is multiplied by in `epoch`, counted from 1; above 0."""
        ...


@runtime_checkable
class HasLosses(Protocol):
    """An objective with further losses of its own."""

    def losses(
        self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives
    ) -> Mapping[str, Tensor]:
        """Scalars by name, added to the mean of the rows."""
        ...


@runtime_checkable
class LogsMetrics(Protocol):
    """A part with figures of its own for the epochs of a record."""

    def epoch_metrics(self) -> Mapping[str, float]:
        """The epoch's figures by name, asked once after its last step; the part begins anew."""
        ...


@runtime_checkable
class RecordsTriplets(Protocol):
    """A part that has valued triplets, for the record; every tensor is [T].

    user, positive, negative, epoch (of the last value) are integers; value, error (its standard
    error) and hardness (score of the negative minus score of the positive when valued) are floats.
    """

    def triplets(self) -> Mapping[str, Tensor]:
        """A bounded sample by these names, asked once at the end of a run; empty if there is none.

        Whether a negative is false is added by the record: parts may not know it.
        """
        ...


@runtime_checkable
class HasState(Protocol):
    """A part whose state must survive a checkpoint: tensors and plain values only."""

    def state_dict(self) -> dict[str, Any]:
        """All of what it has learnt."""
        ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Take it back."""
        ...


@runtime_checkable
class Probe(Protocol):
    """Watches a step from outside; may know held-out pairs and truth, and changes nothing."""

    def wants(self, number: int) -> bool:
        """Whether step `number` of an epoch, counted from 1, is to be watched."""
        ...

    def watch(self, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback) -> None:
        """Called with the negatives as drawn and as used, before the weights are updated."""
        ...

    def epoch(self, number: int) -> Mapping[str, float]:
        """The epoch's figures by name; called after its last step."""
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


class Backbone(Protocol):
    """What turns a batch into a View and carries the gradients of its leaves back."""

    config: Any
    feed: Literal["pairs", "sequences"]

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """One propagation; with `cut` its outputs are leaves, without it plain autograd."""
        ...

    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Add the gradients of the leaves, and of the L2 penalty, to the parameters' gradients.

        The penalty is half its weight times the squared norms of each row's user (or history), its
        positive and the mean over its negatives, averaged over the rows: one rule for all methods.
        """
        ...

    def encode(self, history: Csr) -> RankingVectors:
        """Vectors for ranking; `history` is what each user did before, for sequence backbones."""
        ...

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """What is learnt."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All weights."""
        ...

    def load_state_dict(self, state: Mapping[str, Any], /) -> Any:
        """Take weights back."""
        ...

    def train(self, mode: bool = True, /) -> Any:
        """Training or inference."""
        ...
