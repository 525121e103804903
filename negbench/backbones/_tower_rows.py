"""A step of two towers over a table that is updated by rows: only what it reads is computed.

A million users and ten million items have eleven million vectors, of which a step reads some
thousands. So parts are given `EncodedItems`, which stand for the vectors and have them computed by
their ids; what was read of the table with gradient is a leaf, and `backward` adds its gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.backbones import _embedding_table
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.protocol.encoded_items import EncodedItems, EncodedRows
from negbench.protocol.row_table import RowTable
from negbench.protocol.step import Batch, Negatives
from negbench.protocol.view import Similarity, View

AT_ONCE = 1 << 17
"""Rows whose vectors are computed at once: a hidden layer of these fits the memory."""

OfUsers = Callable[[Rows, Vectors], Vectors]
"""(ids [n], their rows of the table [n, E]) -> vectors [n, D]."""
OfItems = Callable[[Rows, Vectors, int | None], Vectors]
"""Likewise, with the key of the step by which ids are dropped, or None."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TowerView(View):
    """A view whose backward pass knows what it has read."""

    rows_read: "TowerRows"


@dataclass(eq=False)
class TowerRows:
    """The rows of a table [U + I, E], users first, that a step reads with gradient."""

    table: RowTable
    n_users: int
    similarity: Similarity
    leaves: list[tuple[Rows, Tensor]] = field(default_factory=list)

    def view(
        self, batch: Batch, of_users: OfUsers, of_items: OfItems, key: int | None
    ) -> TowerView:
        """The step's view: users and positives of the batch, and items by their ids."""
        self.table.n_read = 0
        n_items = len(self.table.parameter) - self.n_users

        def users_by(ids: Rows) -> Vectors:
            return of_users(ids, self.take(ids))

        def items_by(ids: Rows) -> Vectors:
            return of_items(ids, self.take(ids + self.n_users), key)

        query = users_by(batch.users)
        standing = partial(EncodedItems.of, like=query.detach(), method="", refuses_all=False)
        items, users = standing(items_by, n_items), standing(users_by, self.n_users)
        positive = EncodedRows.of(items, batch.items)
        return TowerView(query, items, positive, self.similarity, users, rows_read=self)

    def take(self, rows: Rows) -> Vectors:
        """Rows [n] of the table, [n, E], brought up to date; with gradient as a leaf."""
        self.table.read(rows)
        taken = F.embedding(rows, self.table.parameter.detach())
        if torch.is_grad_enabled():
            self.leaves.append((rows, taken.requires_grad_()))
        return taken

    def reached(self) -> list[tuple[Rows, Vectors]]:
        """The rows that the loss has reached, and their gradients."""
        return [(rows, leaf.grad) for rows, leaf in self.leaves if leaf.grad is not None]

    @torch.no_grad()
    def backward(self, l2: float, batch: Batch, negatives: Negatives) -> None:
        """Add the leaves' gradients, and those of the penalty, to the table's."""
        self.table.begin()
        for rows, gradient in self.reached():
            self.table.add(rows, gradient)
        groups = [batch.users, batch.items + self.n_users]
        if negatives.ids is not None:
            groups.append(negatives.ids + self.n_users)
        for ids in groups if l2 else ():
            _embedding_table.penalise_rows(self.table, ids, l2 / max(1, ids.numel()))


def key_of(generator: torch.Generator) -> int:
    """The number by which a step's ids are dropped, from its generator."""
    device = generator.device
    return int(torch.randint(1 << 62, (), generator=generator, device=device))


def in_parts(table: AnyShape, of: Callable[[Rows, Vectors], Vectors]) -> AnyShape:
    """The vectors [n, D] of all rows of a table [n, E], some at a time."""
    ids = torch.arange(len(table), device=table.device)
    parts = zip(torch.split(ids, AT_ONCE), torch.split(table, AT_ONCE), strict=True)
    return torch.cat([of(each, rows) for each, rows in parts])
