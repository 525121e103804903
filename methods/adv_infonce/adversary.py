"""Adversary networks: learnt hardness logits of negatives, from own tables or from vectors.

embed:   g_uj = <a_u, b_j>                              a [U, H], b [I, H]
mlp:     g_uj = <relu(A q_u + a), relu(B v_j + b)>      A, B [H, D], a, b [H], vectors without
                                                       gradient, before a graph's propagation
"""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import nn

from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.sampled_dot import sampled_dot_with_gradient
from negbench.parts.requirements import width_of
from negbench.protocol import ItemVectors, Negatives, Scores, Step, TrainContext, Vectors


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
        if negatives.record_ids is None:
            raise UserError(
                "variant=embed has a vector for every item and none for synthesised negatives; "
                "take variant=mlp or variant=exact with them"
            )
        ids = negatives.row_ids(len(step.batch))
        return sampled_dot_with_gradient(self.users[step.batch.users], self.items, ids)


class Projections(nn.Module):
    """Two small projections with bias of the backbone's vectors before their propagation."""

    def __init__(self, context: TrainContext, width: int) -> None:
        """Initialise near uniform weights, biases at 0; the backbone's width must be known."""
        super().__init__()
        self.query = xavier_uniform(context, "query", width, width_of(context))
        self.items = xavier_uniform(context, "projection", width, width_of(context))
        self.query_bias, self.items_bias = (
            nn.Parameter(self.query.new_zeros(width)) for _ in range(2)
        )

    def logits(self, step: Step, negatives: Negatives) -> Scores:
        """Logits [B, N]; synthesised negatives are projected as they come."""
        users, items = (vectors.to(self.query.dtype) for vectors in first_layer(step))
        query = F.linear(users, self.query, self.query_bias).relu()
        vectors = negatives.vectors
        if vectors is None:
            mapped = F.linear(items, self.items, self.items_bias).relu()
            return sampled_dot_with_gradient(query, mapped, negatives.row_ids(len(query)))
        vectors = vectors.detach().to(self.query.dtype)
        vectors = F.linear(vectors, self.items, self.items_bias).relu()
        return torch.bmm(vectors.expand(len(query), -1, -1), query.unsqueeze(2)).squeeze(2)


@torch.no_grad()
def first_layer(step: Step) -> tuple[Vectors, ItemVectors]:
    """Query [B, D] and item vectors [I, D] at layer 0, before a graph's propagation.

    Where the backbone has no layers they are its vectors themselves.
    """
    view = step.view
    if view.query_layers is None or view.item_layers is None:
        return view.query.detach(), view.items.detach()
    every = torch.arange(len(view.items), device=view.items.device)
    return view.query_layers[:, 0].detach(), view.item_layers[every][:, 0].detach()


def xavier_uniform(context: TrainContext, name: str, rows: int, columns: int) -> nn.Parameter:
    """A parameter [rows, columns] from Xavier's uniform distribution, by the stream `name`."""
    edge = (6 / (rows + columns)) ** 0.5
    generator = rng.stream(context.seed, "adversary", name, device=context.device)
    values = torch.rand(rows, columns, generator=generator, device=context.device)
    return nn.Parameter((2 * values - 1) * edge)
