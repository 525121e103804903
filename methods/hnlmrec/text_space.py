"""Text profiles of users: the mean of their items' text vectors, and each item's cosine to it.

    tbar_u = mean_{i in P_u} t_i,   a(u, j) = cos(t_j, tbar_u)
    q_u = the rho-quantile over i in P_u of cos(t_i, tbar_u without i)

No language model writes these profiles. Only train pairs are read. Items and users without words
have zero vectors and are marked.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.errors import UserError
from negbench.ops.group_quantiles import quantiles
from negbench.protocol import Pairs, TextTable, TrainContext


@dataclass(frozen=True, eq=False)
class TextSpace:
    """Text vectors of items and users, and the cosine from which an item is on a user's topic."""

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
        measured = table.known[items] & (counts[users] > 1)
        level = own.new_zeros(context.n_users)
        if bool(measured.any()):
            level = quantiles(users[measured], own[measured], context.n_users, rho)
        return cls(table.vectors, F.normalize(total, dim=1), table.known, counts > 0, level)

    def on_topic(self, users: Pairs, ids: Pairs) -> tuple[Pairs, Pairs]:
        """Whether items ids [n] are on the topic of users [n], and where both have words."""
        near = (self.items[ids] * self.users[users]).sum(1)
        return near >= self.level[users], self.known[ids] & self.known_users[users]


def table_of(context: TrainContext) -> TextTable:
    """The text table of the items. Raises UserError if the data have no texts."""
    if context.texts is None:
        raise UserError(
            "a method that reads texts needs data whose items have them, as goodbooks, or vectors "
            "of yours with --encoder FILE.npy; here are none"
        )
    return context.texts()
