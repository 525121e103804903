"""Adversary networks: learnt hardness logits of negatives, from own tables or from vectors.

embed:   g_uj = <a_u, b_j>                              a [U, H], b [I, H]
mlp:     g_uj = <relu(A q_u), relu(B v_j)>              A, B [H, D], vectors without gradient
"""

from typing import Protocol

import torch
from torch import nn

from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.sampled_dot import sampled_dot_with_gradient
from negbench.parts.requirements import width_of
from negbench.protocol import Negatives, Scores, Step, TrainContext


class Adversary(Protocol):
    """Gives a hardness logit to each negative of a step."""

    def logits(self, step: Step, negatives: Negatives) -> Scores:
        """[B, N], with gradient to the adversary's own parameters alone."""
        ...


class Tables(nn.Module):
    """An embedding for every user and every item, separate from the backbone's."""

    def __init__(self, context: TrainContext, width: int) -> None:
        """Initialise near uniform weights, by Xavier's uniform distribution."""
        super().__init__()
        self.users = xavier_uniform(context, "users", context.n_users, width)
        self.items = xavier_uniform(context, "items", context.n_items, width)

    def logits(self, step: Step, negatives: Negatives) -> Scores:
        """Logits [B, N] of negatives that are items. Raises UserError for synthesised negatives."""
        if negatives.ids is None:
            raise UserError(
                "variant=embed has a vector for every item and none for synthesised negatives; "
                "take variant=mlp or variant=exact with them"
            )
        ids = negatives.row_ids(len(step.batch))
        return sampled_dot_with_gradient(self.users[step.batch.users], self.items, ids)


class Projections(nn.Module):
    """Two small projections of the backbone's vectors."""

    def __init__(self, context: TrainContext, width: int) -> None:
        """Initialise near uniform weights; the backbone's width must be known."""
        super().__init__()
        self.query = xavier_uniform(context, "query", width, width_of(context))
        self.items = xavier_uniform(context, "projection", width, width_of(context))

    def logits(self, step: Step, negatives: Negatives) -> Scores:
        """Logits [B, N] of the backbone's vectors, before any transform of items."""
        query = (step.view.query.detach() @ self.query.T).relu()
        vectors = negatives.vectors
        if vectors is None:
            mapped = (step.view.items.detach() @ self.items.T).relu()
            return sampled_dot_with_gradient(query, mapped, negatives.row_ids(len(query)))
        vectors = (vectors.detach() @ self.items.T).relu()
        return torch.bmm(vectors.expand(len(query), -1, -1), query.unsqueeze(2)).squeeze(2)


def xavier_uniform(context: TrainContext, name: str, rows: int, columns: int) -> nn.Parameter:
    """A parameter [rows, columns] from Xavier's uniform distribution, by the stream `name`."""
    edge = (6 / (rows + columns)) ** 0.5
    generator = rng.stream(context.seed, "adversary", name, device=context.device)
    values = torch.rand(rows, columns, generator=generator, device=context.device)
    return nn.Parameter((2 * values - 1) * edge)
