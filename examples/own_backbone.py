"""Asymmetric matrix factorisation: a user's vector is the mean of those of the items that he met.

    s(u, i) = <p_u, q_i>,   p_u = (1 / |P_u|) sum_{j in P_u} x_j

Paterek, "Improving regularized singular value decomposition for collaborative filtering", KDD Cup
2007. Plain autograd; negbench/backbones/mf.py shows the faster way, with gradients by hand.

    negbench run --plugin examples/own_backbone.py -d goodbooks -m random,dns -b own_backbone
"""

from dataclasses import dataclass

import torch
from torch.nn import Module, Parameter
from torch.nn.functional import embedding_bag

from negbench.protocol import Card, RankingVectors, Similarity, View

CARD = Card(title="Asymmetric MF", family="backbone", provides=("users",), provenance="paper")


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    lr: float = 0.01
    l2: float = 0.01
    batch_size: int = 2048


class AsymmetricMF(Module):
    """Two tables in one parameter [2, I, D]: x, items as users met them, and q, as ranked."""

    feed = "pairs"

    def __init__(self, config, context, generator):
        """Draw the first vectors from the generator; `context` holds the train pairs."""
        super().__init__()
        self.config, train, device = config, context.train, context.device
        shape = 2, context.n_items, config.dim
        first = torch.randn(shape, generator=generator, device=generator.device)
        self.tables = Parameter((0.1 * first).to(device))
        self.pairs = torch.tensor(train.indices, dtype=torch.int64, device=device)
        self.bounds = torch.tensor(train.indptr, device=device)

    def vectors(self):
        """Users [U, D] and items [I, D], with gradient to the tables."""
        met, ranked = self.tables
        bags = embedding_bag(self.pairs, met, self.bounds, mode="mean", include_last_offset=True)
        return bags, ranked

    def view(self, batch, generator, *, cut=True):
        """The rows of the batch; autograd runs through, so there is nothing to cut."""
        users, items = self.vectors()
        return View(users[batch.users], items, items[batch.items], users=users)

    def backward(self, batch, view, negatives):
        """The loss has filled the gradients by autograd; add those of the L2 penalty."""
        users, items = self.vectors()
        rows = [users[batch.users], items[batch.items]]
        if negatives.ids is not None:
            rows.append(items[negatives.ids])
        penalty = sum(row.square().sum(-1).mean() for row in rows)
        (self.config.l2 / 2 * penalty).backward()

    @torch.no_grad()
    def encode(self, history):
        """Vectors for ranking; `history` adds nothing to the train pairs."""
        users, items = self.vectors()
        return RankingVectors(items, Similarity(), users.__getitem__, users)


def build(config, context, generator):
    """A fresh backbone."""
    return AsymmetricMF(config, context, generator)
