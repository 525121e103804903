"""The watched rows of a training step: negatives as item ids, with mask, scores and weights."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from negbench.ops.axes import Ids, Mask, NegativeVectors, PoolIds, PoolScores, Rows, Scores
from negbench.parts.selection.nearest_item import nearest_to_each
from negbench.protocol.step import Feedback, Negatives, Step
from negbench.protocol.view import DotCounter, View


@dataclass(frozen=True, eq=False)
class WatchedRows:
    """The watched rows of a step, B here, with the negatives used [B, N] and drawn [B, M]."""

    step: Step
    rows: Rows
    """Which rows of the batch, [B]."""
    ids: Ids
    """Item ids used; a synthesised vector without an id has its nearest unseen item of the user."""
    mask: Mask
    """False for what must not be used."""
    drawn: Ids | None
    drawn_mask: Mask | None
    s_pos: Rows
    s_neg: Scores
    weight: Scores
    """How much each counts within the step, [B, N]; 0 where masked."""
    slopes: Scores | None
    """Derivative of each row's loss by the score of each negative, [B, N]."""
    gradient_norm: Rows | None
    """Norm of the derivative of each row's loss by its query, [B]."""
    vectors: NegativeVectors | None
    """Synthesised negatives, [B, N, D]."""
    distance: Scores | None
    """Cosine distance of synthesised vectors to their item, [B, N]."""

    @classmethod
    def of(
        cls, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback, rows: Rows
    ) -> "WatchedRows | None":
        """The watched rows; None where no negative was used."""
        if not used.n:
            return None
        vectors = None
        if used.vectors is not None:
            vectors = _rows(used.vectors, used.shared, rows).detach()
        ids, distance = _ids(step, used, vectors, rows)
        mask = _mask(used, ids, rows)
        drawn_ids, drawn_mask = _drawn(drawn, rows)
        slopes = None if feedback.slopes is None else feedback.slopes[rows]
        return cls(
            step=step,
            rows=rows,
            ids=ids,
            mask=mask,
            drawn=drawn_ids,
            drawn_mask=drawn_mask,
            s_pos=feedback.s_pos[rows],
            s_neg=feedback.s_neg[rows],
            weight=_weight(used, mask, rows),
            slopes=slopes,
            gradient_norm=_gradient_norm(step, rows) if slopes is not None else None,
            vectors=vectors,
            distance=distance,
        )

    @cached_property
    def users(self) -> Rows:
        """The user of each row, [B]."""
        return self.step.batch.users[self.rows]

    @cached_property
    def n(self) -> Rows:
        """Number of used negatives of each row, [B]."""
        return self.mask.sum(1)

    def scores(self, ids: PoolIds) -> PoolScores:
        """The scores of shared items [K] for the watched rows, [B, K]."""
        return self._view.score_shared(ids)

    def scores_of(self, ids: Rows) -> Rows:
        """The score of one item for each watched row, [B]."""
        return self._view.score_rows(ids.unsqueeze(1)).squeeze(1)

    @property
    def _view(self) -> View:
        view = self.step.view
        query, items = view.query[self.rows].detach(), view.items.detach()
        return replace(view, query=query, items=items, leaves=None, dots=DotCounter())

    def subsample(self, n: int) -> "WatchedRows":
        """Evenly spaced rows, at most n."""
        if len(self.rows) <= n:
            return self
        pick = torch.arange(n, device=self.rows.device) * (len(self.rows) // n)
        fields: dict[str, Any] = {
            name: None if value is None else value[pick]
            for name, value in vars(self).items()
            if name in self.__dataclass_fields__ and name != "step"
        }
        return WatchedRows(step=self.step, **fields)


def _ids(
    step: Step, used: Negatives, vectors: Tensor | None, rows: Tensor
) -> tuple[Tensor, Tensor | None]:
    """The items that the negatives are recorded as, and how far synthesised vectors are from them.

    A method that names the items of its vectors is taken at its word; other vectors are recorded as
    their nearest unseen item.
    """
    if vectors is None:
        return _rows(used.ids, used.shared, rows), None
    if used.record_ids is None:
        return nearest_to_each(step, vectors, step.batch.users[rows])
    ids = _rows(used.ids, used.shared, rows)
    return ids, 1 - torch.cosine_similarity(vectors, step.view.items.detach()[ids], dim=-1)


def _rows(values: Tensor | None, shared: bool, rows: Tensor) -> Tensor:
    """These rows of per-row values, or the shared values repeated."""
    assert values is not None
    return values.expand(len(rows), *values.shape) if shared else values[rows]


def _drawn(drawn: Negatives, rows: Tensor) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """The ids drawn for these rows [B, M] and their mask; None where nothing is drawn as ids."""
    if drawn.ids is None or not drawn.n:
        return None, None
    ids = _rows(drawn.ids, drawn.shared, rows)
    return ids, _mask(drawn, ids, rows)


def _mask(negatives: Negatives, ids: Tensor, rows: Tensor) -> Tensor:
    if negatives.mask is None:
        return torch.ones_like(ids, dtype=torch.bool)
    return negatives.mask[rows]


def _weight(used: Negatives, mask: Tensor, rows: Tensor) -> Tensor:
    """Weight [B, N] of each negative: the softmax of `logw` times the row's count and weight."""
    share = mask.double()
    if used.logw is not None:
        logw = _rows(used.logw, used.logw.dim() == 1, rows).detach().double()
        share = logw.masked_fill(~mask, -torch.inf).softmax(1).nan_to_num() * mask.sum(1, True)
    if used.row_weight is not None:
        share = share * used.row_weight.detach()[rows].double().unsqueeze(1)
    return share


def _gradient_norm(step: Step, rows: Tensor) -> Tensor | None:
    leaves = step.view.leaves
    if leaves is None or leaves.query is None or leaves.query.grad is None:
        return None
    norm: Tensor = torch.linalg.vector_norm(leaves.query.grad[rows], dim=1)
    return norm * len(step.batch)
