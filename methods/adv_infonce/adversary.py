"""Logits of how hard a negative is for a row, learnt: from tables of their own, or from vectors.

embed:   g_uj = <a_u, b_j>                              a [U, H], b [I, H]
mlp:     g_uj = <relu(A q_u), relu(B v_j)>              A, B [H, D], vectors without gradient
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.sampled_dot import pairs
from negbench.protocol import Negatives, Step, TrainContext


class Adversary(Protocol):
    """What gives logits to the negatives of a step."""

    def logits(self, step: Step, negatives: Negatives) -> Tensor:
        """[B, N], with gradient to the adversary's own parameters alone."""
        ...


class Tables(nn.Module):
    """A vector for every user and every item, apart from the backbone's."""

    def __init__(self, context: TrainContext, width: int) -> None:
        """Begin near uniform: Xavier's small even draws."""
        super().__init__()
        self.users = drawn(context, "users", context.n_users, width)
        self.items = drawn(context, "items", context.n_items, width)

    def logits(self, step: Step, negatives: Negatives) -> Tensor:
        """[B, N]; a negative must be an item of the catalogue."""
        if negatives.ids is None:
            raise UserError(
                "variant=embed has a vector for every item and none for synthesised negatives; "
                "take variant=mlp or variant=exact with them"
            )
        ids = negatives.ids.expand(len(step.batch), -1)
        return pairs(self.users[step.batch.users], self.items, ids)


class Projections(nn.Module):
    """Two small maps of the backbone's vectors."""

    def __init__(self, context: TrainContext, width: int) -> None:
        """Begin near uniform; the vectors' width must be known."""
        super().__init__()
        if not context.width:
            raise UserError(
                "variant=mlp must know the vectors' width before the first step; "
                "give it with attach(..., dim=64)"
            )
        self.query = drawn(context, "query", width, context.width)
        self.items = drawn(context, "projection", width, context.width)

    def logits(self, step: Step, negatives: Negatives) -> Tensor:
        """[B, N], of vectors as they stand, before any transform of items."""
        query = (step.view.query.detach() @ self.query.T).relu()
        vectors = negatives.vectors
        if vectors is None:
            assert negatives.ids is not None
            mapped = (step.view.items.detach() @ self.items.T).relu()
            return pairs(query, mapped, negatives.ids.expand(len(query), -1))
        vectors = (vectors.detach() @ self.items.T).relu()
        return torch.bmm(vectors.expand(len(query), -1, -1), query.unsqueeze(2)).squeeze(2)


def drawn(context: TrainContext, name: str, rows: int, columns: int) -> nn.Parameter:
    """Xavier's even draws [rows, columns], from a stream of this name."""
    edge = (6 / (rows + columns)) ** 0.5
    generator = rng.stream(context.seed, "adversary", name, device=context.device)
    values = torch.rand(rows, columns, generator=generator, device=context.device)
    return nn.Parameter((2 * values - 1) * edge)
