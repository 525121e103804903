"""One step through a method's parts: the same for our loop and for somebody else's."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from negbench.kinds import HasLosses, Method
from negbench.values import Feedback, Negatives, Step

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
    """View -> Transform -> Source -> Stage* -> Objective -> rows [B] -> mean plus auxiliary losses.

    `mark` is called with "sampling" and "scoring" when these are done, for the clock.
    """
    if method.transform is not None:
        step = replace(step, view=method.transform.view(step))
    drawn = used = method.source.draw(step)
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
    if isinstance(method.objective, HasLosses):
        losses.update(method.objective.losses(step, s_pos, s_neg, used))
    loss = rows.mean() + sum(losses.values(), torch.zeros((), device=rows.device))
    if mark:
        mark("scoring")
    return Outcome(step, drawn, used, s_pos, s_neg, rows, loss, losses)


def having(method: Method, kind: type[P]) -> Iterable[P]:
    """The method's parts that have this lifecycle call."""
    return [part for part in method.parts if isinstance(part, kind)]
