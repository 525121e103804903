"""Importance network: the logit of a triplet's weight from the vectors of its three members."""

import torch
import torch.nn.functional as F
from torch import nn

from negbench.ops import rng
from negbench.parts.requirements import width_of
from negbench.protocol import NegativeVectors, Scores, TrainContext, Vectors


class ImportanceNetwork(nn.Module):
    """The logit of a triplet's weight: two layers over products of its vectors."""

    def __init__(self, width: int, hidden: int, generator: torch.Generator) -> None:
        """Draw the weights from the generator."""
        super().__init__()
        inner = torch.randn(hidden, 2 * width, generator=generator) / (2 * width) ** 0.5
        outer = torch.randn(1, hidden, generator=generator) / hidden**0.5
        self.inner, self.outer = nn.Parameter(inner), nn.Parameter(outer)
        self.inner_bias = nn.Parameter(torch.zeros(hidden))
        self.outer_bias = nn.Parameter(torch.zeros(1))

    def forward(self, query: Vectors, positive: Vectors, negative: NegativeVectors) -> Scores:
        """Logits [B, N] of queries [B, D], positives [B, D] and negatives [B, N, D]."""
        query = F.normalize(query, dim=-1) * query.shape[-1]  # so that products are of size 1
        liked = query * F.normalize(positive, dim=-1)
        other = query.unsqueeze(1) * F.normalize(negative, dim=-1)
        x = torch.cat([liked.unsqueeze(1).expand_as(other), other], 2).to(self.inner.dtype)
        inside = F.relu(F.linear(x, self.inner, self.inner_bias))
        return F.linear(inside, self.outer, self.outer_bias).squeeze(2)


def network_of(context: TrainContext, hidden: int) -> ImportanceNetwork:
    """A new network for vectors of the backbone's width, initialised from the run's seed."""
    generator = rng.stream(context.seed, "importance network")
    return ImportanceNetwork(width_of(context), hidden, generator).to(context.device)
