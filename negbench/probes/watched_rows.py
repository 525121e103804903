"""A sight: some rows of a step as a probe sees them, ids always there, masked ones marked."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from negbench.parts.selection.nearest_item import snap
from negbench.protocol.step import Feedback, Negatives, Step
from negbench.protocol.view import View


@dataclass(frozen=True, eq=False)
class Sight:
    """The watched rows [r] of a step, the negatives used [r, N] and drawn [r, M]."""

    step: Step
    rows: Tensor
    """Which rows of the batch, [r]."""
    ids: Tensor
    """Items used; synthesised vectors by the nearest item that the user has not had."""
    mask: Tensor
    """False for what must not be used."""
    drawn: Tensor | None
    drawn_mask: Tensor | None
    s_pos: Tensor
    s_neg: Tensor
    weight: Tensor
    """How much each counts within the step, [r, N]; 0 where masked."""
    slopes: Tensor | None
    """Derivative of each row's loss by the score of each negative, [r, N]."""
    steepness: Tensor | None
    """Norm of the derivative of each row's loss by its query, [r]."""
    vectors: Tensor | None
    """Synthesised negatives, [r, N, D]."""
    distance: Tensor | None
    """Cosine distance of synthesised vectors to their item, [r, N]."""

    @classmethod
    def of(
        cls, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback, rows: Tensor
    ) -> "Sight | None":
        """Look at these rows; None where nothing was used."""
        if not used.n:
            return None
        vectors = None
        if used.vectors is not None:
            vectors = _rows(used.vectors, used.shared, rows).detach()
        ids, distance = _ids(step, used, vectors, rows)
        mask = _mask(used, ids, rows)
        seen = drawn.ids is not None and drawn.n > 0
        drawn_ids = _rows(drawn.ids, drawn.shared, rows) if seen else None
        slopes = None if feedback.slopes is None else feedback.slopes[rows]
        return cls(
            step=step,
            rows=rows,
            ids=ids,
            mask=mask,
            drawn=drawn_ids,
            drawn_mask=None if drawn_ids is None else _mask(drawn, drawn_ids, rows),
            s_pos=feedback.s_pos[rows],
            s_neg=feedback.s_neg[rows],
            weight=_weight(used, mask, rows),
            slopes=slopes,
            steepness=_steepness(step, rows) if slopes is not None else None,
            vectors=vectors,
            distance=distance,
        )

    @cached_property
    def users(self) -> Tensor:
        """The user of each row, [r]."""
        return self.step.batch.users[self.rows]

    @cached_property
    def n(self) -> Tensor:
        """How many negatives each row uses, [r]."""
        return self.mask.sum(1)

    def scores(self, ids: Tensor) -> Tensor:
        """The scores of shared items [K] for the watched rows, [r, K]."""
        return self._view.score_shared(ids)

    def scores_of(self, ids: Tensor) -> Tensor:
        """The score of one item for each watched row, [r]."""
        return self._view.score_rows(ids.unsqueeze(1)).squeeze(1)

    @property
    def _view(self) -> View:
        view = self.step.view
        return replace(view, query=view.query[self.rows].detach(), leaves=None)

    def first(self, n: int) -> "Sight":
        """The same sight of every so many rows, n in all."""
        if len(self.rows) <= n:
            return self
        pick = torch.arange(n, device=self.rows.device) * (len(self.rows) // n)
        told: dict[str, Any] = {
            name: None if value is None else value[pick]
            for name, value in vars(self).items()
            if name in self.__dataclass_fields__ and name != "step"
        }
        return Sight(step=self.step, **told)


def _ids(
    step: Step, used: Negatives, vectors: Tensor | None, rows: Tensor
) -> tuple[Tensor, Tensor | None]:
    if vectors is None:
        return _rows(used.ids, used.shared, rows), None
    return snap(step, vectors, step.batch.users[rows])


def _rows(values: Tensor | None, shared: bool, rows: Tensor) -> Tensor:
    """These rows, whether each has its own or all share."""
    assert values is not None
    return values.expand(len(rows), *values.shape) if shared else values[rows]


def _mask(negatives: Negatives, ids: Tensor, rows: Tensor) -> Tensor:
    if negatives.mask is None:
        return torch.ones_like(ids, dtype=torch.bool)
    return negatives.mask[rows]


def _weight(used: Negatives, mask: Tensor, rows: Tensor) -> Tensor:
    """A row's negatives share its weight by exp(logw)."""
    share = mask.double()
    if used.logw is not None:
        logw = _rows(used.logw, used.logw.dim() == 1, rows).detach().double()
        share = logw.masked_fill(~mask, -torch.inf).softmax(1).nan_to_num() * mask.sum(1, True)
    if used.row_weight is not None:
        share = share * used.row_weight.detach()[rows].double().unsqueeze(1)
    return share


def _steepness(step: Step, rows: Tensor) -> Tensor | None:
    leaves = step.view.leaves
    if leaves is None or leaves.query is None or leaves.query.grad is None:
        return None
    norm: Tensor = torch.linalg.vector_norm(leaves.query.grad[rows], dim=1)
    return norm * len(step.batch)
