"""One step through a method's parts: the same for our loop and for somebody else's."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from torch import Tensor

from negbench.protocol.interfaces import HasLosses, Method
from negbench.protocol.step import Feedback, Negatives, Step

P = TypeVar("P")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a step came to. `rows` [B] and `loss` carry gradient."""

    step: Step
    drawn: Negatives
    used: Negatives
    s_pos: Tensor
    s_neg: Tensor
    rows: Tensor
    loss: Tensor
    losses: dict[str, Tensor]
    """The auxiliary losses by name, already in `loss`."""

    def feedback(self) -> Feedback:
        """The outcome without gradient; after the backward pass with the slopes, if retained."""
        slopes = self.s_neg.grad if self.s_neg.retains_grad else None
        return Feedback(
            self.step,
            self.used,
            self.s_pos.detach(),
            self.s_neg.detach(),
            self.rows.detach(),
            None if slopes is None else slopes * len(self.rows),
        )


def forward(method: Method, step: Step, mark: Callable[[str], None] | None = None) -> Outcome:
    """View -> Transform -> Sampler -> Stage* -> Objective -> rows [B] -> mean + auxiliary losses.

    `mark` is called with "sampling" and "scoring" when these are done, for the clock.
    """
    if method.transform is not None:
        step = replace(step, view=method.transform.view(step))
    drawn = used = method.sampler.sample(step)
    for stage in method.stages:
        used = stage.apply(step, used)
    if mark:
        mark("sampling")
    s_pos, s_neg = step.view.score_pair(step.view.positive), step.score(used)
    rows = method.objective.rows(step, s_pos, s_neg, used)
    for weight in (step.view.row_weight, used.row_weight):
        if weight is not None:
            rows = rows * weight
    losses = {**step.view.losses, **used.losses}
    if (objective := as_(method.objective, HasLosses)) is not None:
        losses.update(objective.losses(step, s_pos, s_neg, used))
    loss = sum(losses.values(), rows.mean())
    if mark:
        mark("scoring")
    return Outcome(step, drawn, used, s_pos, s_neg, rows, loss, losses)


def having(method: Method, kind: type[P]) -> Iterable[P]:
    """The method's parts that have this lifecycle call."""
    return [made for part in method.parts if (made := as_(part, kind)) is not None]


def as_(part: Any, kind: type[P]) -> P | None:
    """The part, if it has the calls of this protocol: a question of its class, asked once."""
    asked = type(part), kind
    if asked not in _ANSWERS:  # for a protocol `isinstance` takes longer than a small product
        _ANSWERS[asked] = isinstance(part, kind)
    return part if _ANSWERS[asked] else None


_ANSWERS: dict[tuple[type, type], bool] = {}
