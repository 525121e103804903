"""BPR loss of triplets (user, positive, negative), its derivatives, and a gradient step's effect.

    l(u, i, j) = softplus(s(u, j) - s(u, i))

Vectors of users and items stand in one table E [U + I, D], users first. A step of size s along the
gradient G of the loss by E moves the parameters, and these move E by s P G: P is the identity where
the vectors are the parameters (MF), and A~ A~' where they are A~ times them (LightGCN, exactly,
as it is linear). Backbones give P as `Epoch.tangent_kernel`.

The scale of all scores is no property of a triplet, yet it dominates the values where P amplifies
the direction E itself, as LightGCN's does: all vectors share it. So a state may be `scale_free`:
held-out scores are multiplied by the c with the lowest loss, where the loss has no slope along E,
and a step's part along E is taken out. Signs of values are then those of the vectors' directions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.protocol import AnyShape, AnyVectors, Epoch, Pairs, Similarity, UserVectors

from .shapes import NodeColumns, NodeVectors, Triplets, TripletVectors

BLOCK = 1 << 12
"""Triplets whose rows are held at once: few enough to stay in the CPU's cache."""
TINY = 1e-12


def hardness(rows: AnyVectors, similarity: Similarity) -> AnyShape:
    """s(u, j) - s(u, i) by the vectors of user, positive, negative: [..., 3, D] -> [...]."""
    user, positive, negative = rows.unbind(-2)
    apart = similarity.prepare(negative) - similarity.prepare(positive)
    return (similarity.query(user) * apart).sum(-1)


def losses(rows: AnyVectors, similarity: Similarity) -> AnyShape:
    """The loss of triplets by their vectors, [..., 3, D] -> [...]."""
    return F.softplus(hardness(rows, similarity))


@dataclass(frozen=True, eq=False)
class VectorState:
    """The current vectors of users and items, without gradient, and how a step moves them."""

    vectors: Tensor
    """E, [U + I, D]."""
    n_users: int
    similarity: Similarity
    tangent_kernel: Callable[[Tensor], Tensor] | None = None
    """P; None is the identity."""
    held_out_scale: float = 1.0
    """c: what the scores of held-out triplets are multiplied by."""
    common: Tensor | None = None
    """E / |E|, [U + I, D]: the direction that is taken out of steps; None takes out nothing."""

    @classmethod
    def of(cls, epoch: Epoch, users: UserVectors) -> Self:
        """The state before an epoch; `users` [U, D]."""
        table = torch.cat([users, epoch.items]).detach()
        return cls(table, len(users), epoch.similarity, epoch.tangent_kernel)

    def nodes(self, users: Pairs, positives: Pairs, negatives: Pairs) -> Triplets:
        """Rows of the table, [T, 3], of triplets [T]."""
        return torch.stack([users, self.n_users + positives, self.n_users + negatives], -1)

    def scale_free(self, utility: Triplets) -> Self:
        """The same vectors, judged at the scale that fits held-out triplets [V, 3] best."""
        scale = best_scale(self.hardness(utility))
        length = torch.linalg.vector_norm(self.vectors).clamp(min=TINY)
        return replace(self, held_out_scale=scale, common=self.vectors / length)

    @property
    def held_out(self) -> Self:
        """The state that held-out triplets are judged by: scores are c times as large."""
        kind, temperature = self.similarity.kind, self.similarity.temperature
        scaled = Similarity(kind, temperature / self.held_out_scale)
        return replace(self, similarity=scaled, held_out_scale=1.0)

    def propagated(self, columns: NodeColumns) -> NodeColumns:
        """P times columns [U + I, *]."""
        return columns if self.tangent_kernel is None else self.tangent_kernel(columns)

    def displacement(self, gradient: NodeVectors) -> NodeVectors:
        """P G: how far a step of size 1 along a gradient [U + I, D] moves the vectors.

        Without its part along E, before and after P, where the state is scale-free.
        """
        return self._off_common(self.propagated(self._off_common(gradient)))

    def _off_common(self, gradient: Tensor) -> Tensor:
        if self.common is None:
            return gradient
        return gradient - (gradient * self.common).sum() * self.common

    def losses(self, nodes: Triplets) -> Pairs:
        """The loss of each triplet [T, 3], [T]."""
        return losses(self.vectors[nodes], self.similarity)

    def hardness(self, nodes: Triplets) -> Pairs:
        """Score of the negative minus score of the positive of triplets [T, 3], [T]."""
        return torch.cat([hardness(self.vectors[part], self.similarity) for part in blocks(nodes)])

    def mean_gradient(self, nodes: Triplets) -> NodeVectors:
        """The gradient of the mean loss over triplets [T, 3] by E, [U + I, D]."""
        total = torch.zeros_like(self.vectors)
        for part in blocks(nodes):
            scatter_add(total, part, self.triplet_gradients(part))
        return total / max(1, len(nodes))

    def triplet_gradients(self, nodes: Triplets) -> TripletVectors:
        """The gradient of each triplet's loss by its own three vectors, [T, 3, D]."""
        gradients: TripletVectors = torch.func.grad(self._total)(self.vectors[nodes])
        return gradients

    def derivatives_along(self, nodes: Triplets, direction: NodeVectors) -> Pairs:
        """<gradient of each triplet's loss, direction [U + I, D]>, [T]."""
        derivatives = [
            torch.func.jvp(
                lambda rows: losses(rows, self.similarity),
                (self.vectors[part],),
                (direction[part],),
            )[1]
            for part in blocks(nodes)
        ]
        return torch.cat(derivatives)

    def hessian_product(self, nodes: Triplets, direction: NodeVectors) -> NodeVectors:
        """The Hessian of the mean loss over triplets times a direction, [U + I, D]."""
        total = torch.zeros_like(self.vectors)
        for part in blocks(nodes):
            rows = torch.func.jvp(
                torch.func.grad(self._total), (self.vectors[part],), (direction[part],)
            )[1]
            scatter_add(total, part, rows)
        return total / max(1, len(nodes))

    def _total(self, rows: Tensor) -> Tensor:
        return losses(rows, self.similarity).sum()


def best_scale(hardness: Pairs) -> float:
    """The c from 1/64 to 64 with the lowest mean of softplus(c h) over h [T], by bisection."""
    low, high = -6.0, 6.0
    for _ in range(40):  # the mean is convex in c
        middle = (low + high) / 2
        slope = (torch.sigmoid(2**middle * hardness) * hardness).mean()
        low, high = (low, middle) if float(slope) > 0 else (middle, high)
    return float(2**low)


def blocks(nodes: Triplets) -> Iterator[Triplets]:
    """Triplets [T, 3] in blocks of at most `BLOCK`."""
    yield from torch.split(nodes, BLOCK)


def scatter_add(into: NodeVectors, nodes: Triplets, rows: TripletVectors) -> None:
    """Add rows [T, 3, D] to the table `into` [U + I, D] at their nodes [T, 3]."""
    into.index_add_(0, nodes.flatten(), rows.flatten(0, 1))
