"""The forward pass of one step through a method's parts, in our loop and in a user's own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from negbench.ops.axes import Rows, Scalar, Scores
from negbench.protocol.encoded_items import EncodedItems
from negbench.protocol.interfaces import HasLosses, Method
from negbench.protocol.step import Feedback, Negatives, Step
from negbench.training.part_results import checked_negatives, checked_rows

P = TypeVar("P")


@dataclass(frozen=True, eq=False)
class Outcome:
    """The results of a step; `rows` [B] and `loss` carry gradient."""

    step: Step
    drawn: Negatives
    used: Negatives
    s_pos: Rows
    s_neg: Scores
    rows: Rows
    loss: Scalar
    losses: dict[str, Scalar]
    """The auxiliary losses by name, already in `loss`."""

    def feedback(self) -> Feedback:
        """The results without gradient; after the backward pass with the slopes, if retained."""
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

    `mark` is called with "sampling" and "scoring" when these are done, for the timing. Raises
    UserError where a part gives another shape than it must.
    """
    if method.transform is not None:
        step = replace(step, view=method.transform.view(step))
    n_rows, sampler = len(step.batch), method.sampler
    drawn = used = checked_negatives(sampler.sample(step), n_rows, sampler, "sample")
    for stage in method.stages:
        used = checked_negatives(stage.apply(step, used), n_rows, stage, "apply")
    if mark:
        mark("sampling")
    if isinstance(step.view.items, EncodedItems):
        read = () if used.vectors is not None or used.ids is None else (used.ids,)
        step.view.items.encoded(step.batch.items, *read)
    s_pos, s_neg = step.score_all(used)
    objective = method.objective
    rows = checked_rows(objective.rows(step, s_pos, s_neg, used), n_rows, objective)
    for weight in (step.view.row_weight, used.row_weight):
        if weight is not None:
            rows = rows * weight
    losses = {**step.view.losses, **used.losses}
    for each in having([objective], HasLosses):
        losses.update(each.losses(step, s_pos, s_neg, used))
    loss = sum(losses.values(), rows.mean())
    if mark:
        mark("scoring")
    return Outcome(step, drawn, used, s_pos, s_neg, rows, loss, losses)


def having(parts: Iterable[Any], interface: type[P]) -> list[P]:
    """The parts that implement an optional interface, such as `Refreshes`, in their order."""
    return [part for part in parts if implements(part, interface)]


def implements(part: Any, interface: type[Any]) -> bool:
    """Whether a part implements an optional interface; cached by class.

    For a protocol `isinstance` takes longer than a small product.
    """
    key = type(part), interface
    if key not in _IMPLEMENTS:
        _IMPLEMENTS[key] = isinstance(part, interface)
    return _IMPLEMENTS[key]


_IMPLEMENTS: dict[tuple[type, type], bool] = {}
