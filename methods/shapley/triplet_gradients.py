"""Triplets (user, positive, negative), their loss, and the vectors that a gradient step moves.

    l(u, i, j) = softplus(s(u, j) - s(u, i))

Vectors of users and items stand in one table E [U + I, D], users first. A step of size s along the
gradient G of the loss by E moves the parameters, and these move E by s P G: P is the identity where
the vectors are the parameters (MF), and A~ A~' where they are A~ times them (LightGCN, exactly,
as it is linear). Backbones say P as `Epoch.tangent`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.protocol import Epoch, Similarity

BLOCK = 1 << 12
"""Triplets whose rows are held at once: few enough to stay in a cache."""


def hardness(rows: Tensor, similarity: Similarity) -> Tensor:
    """s(u, j) - s(u, i) by the vectors of user, positive, negative: [..., 3, D] -> [...]."""
    user, positive, negative = rows.unbind(-2)
    apart = similarity.prepare(negative) - similarity.prepare(positive)
    return (similarity.query(user) * apart).sum(-1)


def losses(rows: Tensor, similarity: Similarity) -> Tensor:
    """The loss of triplets by their vectors, [..., 3, D] -> [...]."""
    return F.softplus(hardness(rows, similarity))


@dataclass(frozen=True, eq=False)
class Moment:
    """The vectors as they stand, without gradient, and how a step moves them."""

    vectors: Tensor
    """E, [U + I, D]."""
    n_users: int
    similarity: Similarity
    tangent_kernel: Callable[[Tensor], Tensor] | None = None
    """P; None is the identity."""

    @classmethod
    def of(cls, epoch: Epoch, users: Tensor) -> Self:
        """What a part sees before an epoch; `users` [U, D]."""
        table = torch.cat([users, epoch.items]).detach()
        return cls(table, len(users), epoch.similarity, epoch.tangent_kernel)

    def nodes(self, users: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """Rows of the table, [T, 3], of triplets [T]."""
        return torch.stack([users, self.n_users + positives, self.n_users + negatives], -1)

    def moved(self, gradient: Tensor) -> Tensor:
        """P times a table [U + I, D]."""
        return gradient if self.tangent_kernel is None else self.tangent_kernel(gradient)

    def losses(self, nodes: Tensor) -> Tensor:
        """The loss of each triplet [T, 3], [T]."""
        return losses(self.vectors[nodes], self.similarity)

    def hardness(self, nodes: Tensor) -> Tensor:
        """Score of the negative minus score of the positive of triplets [T, 3], [T]."""
        made = [hardness(self.vectors[part], self.similarity) for part in blocks(nodes)]
        return torch.cat(made)

    def gradient(self, nodes: Tensor) -> Tensor:
        """The gradient of the mean loss over triplets [T, 3] by E, [U + I, D]."""
        total = torch.zeros_like(self.vectors)
        for part in blocks(nodes):
            scatter(total, part, self.slopes(part))
        return total / max(1, len(nodes))

    def slopes(self, nodes: Tensor) -> Tensor:
        """The gradient of each triplet's loss by its own three vectors, [T, 3, D]."""
        found: Tensor = torch.func.grad(self._total)(self.vectors[nodes])
        return found

    def along(self, nodes: Tensor, direction: Tensor) -> Tensor:
        """<gradient of each triplet's loss, direction [U + I, D]>, [T]."""
        found = [
            torch.func.jvp(
                lambda rows: losses(rows, self.similarity),
                (self.vectors[part],),
                (direction[part],),
            )[1]
            for part in blocks(nodes)
        ]
        return torch.cat(found)

    def curved(self, nodes: Tensor, direction: Tensor) -> Tensor:
        """The Hessian of the mean loss over triplets times a direction, [U + I, D]."""
        total = torch.zeros_like(self.vectors)
        for part in blocks(nodes):
            rows = torch.func.jvp(
                torch.func.grad(self._total), (self.vectors[part],), (direction[part],)
            )[1]
            scatter(total, part, rows)
        return total / max(1, len(nodes))

    def _total(self, rows: Tensor) -> Tensor:
        return losses(rows, self.similarity).sum()


def blocks(nodes: Tensor) -> Iterator[Tensor]:
    """Triplets [T, 3], so many at a time."""
    yield from torch.split(nodes, BLOCK)


def scatter(into: Tensor, nodes: Tensor, rows: Tensor) -> None:
    """Add rows [T, 3, D] at their nodes [T, 3]."""
    into.index_add_(0, nodes.flatten(), rows.flatten(0, 1))
