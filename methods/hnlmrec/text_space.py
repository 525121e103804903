"""Users in words: the mean of their items' text vectors, and how near items are to that.

    tbar_u = mean_{i in P_u} t_i,   a(u, j) = cos(t_j, tbar_u)
    q_u = the rho-quantile over i in P_u of cos(t_i, tbar_u without i)

A profile by template, for want of one that is written: no language model is asked. Train pairs
alone are read. Items and users without words have zeros and are marked.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.errors import UserError
from negbench.ops.group_quantiles import quantiles
from negbench.protocol import TextTable, TrainContext


@dataclass(frozen=True, eq=False)
class TextSpace:
    """The items, the users, and what counts as in line with a user's interest."""

    items: Tensor
    """t, [I, T] of length 1 or 0."""
    users: Tensor
    """tbar, [U, T] of length 1 or 0."""
    known: Tensor
    """Items with words, [I]."""
    known_users: Tensor
    """Users with an item that has words, [U]."""
    level: Tensor
    """q_u, [U]."""

    @classmethod
    def of(cls, context: TrainContext, table: TextTable, rho: float = 0.5) -> Self:
        """From the train pairs; q_u is the rho-quantile over u's own pairs, each left out."""
        device = table.vectors.device
        users = torch.tensor(context.train.rows, device=device)
        items = torch.tensor(context.train.indices, device=device).long()
        total = table.vectors.new_zeros(context.n_users, table.width)
        total.index_add_(0, users, table.vectors[items])
        own = F.cosine_similarity(table.vectors[items], total[users] - table.vectors[items])
        counts = torch.bincount(users[table.known[items]], minlength=context.n_users)
        told = table.known[items] & (counts[users] > 1)
        level = own.new_zeros(context.n_users)
        if bool(told.any()):
            level = quantiles(users[told], own[told], context.n_users, rho)
        return cls(table.vectors, F.normalize(total, dim=1), table.known, counts > 0, level)

    def aligned(self, users: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Whether items ids [n] are in line with users [n], and where that can be said."""
        near = (self.items[ids] * self.users[users]).sum(1)
        return near >= self.level[users], self.known[ids] & self.known_users[users]


def table_of(context: TrainContext) -> TextTable:
    """The items in words; refused where nobody has them."""
    if context.texts is None:
        raise UserError(
            "a method that reads texts needs data whose items have them, as goodbooks, or vectors "
            "of yours with --encoder FILE.npy; here are none"
        )
    return context.texts()
