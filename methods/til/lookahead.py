"""One-step lookahead: the loss of held-out pairs after an SGD step on weighted triplets.

    theta' = theta - rate d/dtheta sum_b mean_j w_bj softplus(s_j - s_i),   meta(theta')

theta is a shift, 0 at first, of each user and item in the step: rows of the same user move
together, whatever their vectors. Where vectors are the parameters themselves (MF) that is SGD, and
the gradient of the meta loss for the weights is exact; elsewhere it leaves out what makes them.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from negbench.parts.losses.functions import over_negatives
from negbench.protocol import Ids, ItemVectors, Mask, Rows, Scalar, Scores, Step, UserVectors

Shift = tuple[UserVectors, ItemVectors]
"""Of the distinct users and of the distinct items of a step."""


@dataclass(frozen=True, eq=False)
class MetaPairs:
    """The pairs of the meta loss: for each row a held-out item and a sampled negative."""

    positive: Rows
    negative: Rows
    mask: Rows
    """False for rows without a pair, [B] bool."""


class Lookahead:
    """The vectors of a step as a model: a shift for each user and each item in it."""

    def __init__(self, step: Step, ids: Ids, meta: MetaPairs) -> None:
        """The columns of `column` are the positive, N negatives, the meta item and its negative."""
        items = step.batch.items.unsqueeze(1)
        every = torch.cat([items, ids, meta.positive.unsqueeze(1), meta.negative.unsqueeze(1)], 1)
        distinct, self.column = torch.unique(every, return_inverse=True)
        users, self.row = torch.unique(step.batch.users, return_inverse=True)
        self.similarity, self.meta = step.view.similarity, meta
        with torch.no_grad():
            self.query, self.items = step.view.query.detach(), step.view.rows(distinct)
        width = self.query.shape[1]
        self.start = (self.query.new_zeros(len(users), width), torch.zeros_like(self.items))

    def scores(self, shift: Shift, columns: slice) -> Scores:
        """Scores of each row with its items in these columns, [B, n]."""
        # The backward pass of `index_select` takes a sixth of the time of indexing and embeddings.
        query = self.similarity.query(self.query + shift[0].index_select(0, self.row))
        items = self.similarity.prepare(self.items + shift[1])
        column = self.column[:, columns]
        picked = items.index_select(0, column.reshape(-1)).view(*column.shape, -1)
        return (query.unsqueeze(1) * picked).sum(2)

    def inner(self, shift: Shift, weights: Scores, mask: Mask) -> Scalar:
        """The weighted BPR loss, summed over rows and averaged over a row's negatives."""
        s = self.scores(shift, slice(0, -2))
        return over_negatives(F.softplus(s[:, 1:] - s[:, :1]), weights, mask).sum()

    def outer(self, shift: Shift) -> Scalar:
        """The mean meta loss, a scalar."""
        s = self.scores(shift, slice(-2, None))
        rows = F.softplus(s[:, 1] - s[:, 0]) * self.meta.mask
        return rows.sum() / self.meta.mask.sum().clamp(min=1)

    def loss(self, weights: Scores, mask: Mask, rate: float) -> Scalar:
        """The meta loss after one inner step; its gradient runs to the weights [B, N]."""
        shift = tuple(zero.requires_grad_() for zero in self.start)
        inner = self.inner((shift[0], shift[1]), weights, mask)
        by_user, by_item = torch.autograd.grad(inner, shift, create_graph=True)
        return self.outer((-rate * by_user, -rate * by_item))
