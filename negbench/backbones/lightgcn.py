"""LightGCN: vectors of users and items, smoothed over the graph of train pairs.

    X_{l+1} = A X_l,   e = (X_0 + ... + X_L) / (L + 1),   s(u, i) = <e_u, e_i>

He, Deng, Wang, Li, Zhang & Wang, "LightGCN: Simplifying and Powering Graph Convolution Network for
Recommendation", SIGIR 2020 (arXiv 2002.02126). A is the symmetrically normalised adjacency of the
train pairs; the L2 penalty stands on X_0. Cost per step: 2 L sparse products over the whole graph,
one each way, and a dense Adam step over (U + I) D.

The L2 weight was chosen on `random` (goodbooks, one seed, lr 0.005, validation NDCG@20: .046 with
1e-4, .041 with 1e-2, .031 with 3e-2); the default holds for all methods alike.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.backbones._graph_propagation import Propagation
from negbench.protocol import (
    Batch,
    Card,
    Csr,
    Leaves,
    Negatives,
    RankingVectors,
    Similarity,
    TrainContext,
    View,
)
from negbench.protocol.gradient_leaves import gradients

CARD = Card(
    title="LightGCN",
    family="backbone",
    authors="He, Deng, Wang, Li, Zhang and Wang",
    year=2020,
    venue="SIGIR",
    link="https://arxiv.org/abs/2002.02126",
    provides=("users", "layers"),
    provenance="paper",
    search={
        "lr": ("log", 1e-4, 1e-1),
        "l2": ("log", 1e-6, 1e-1),
        "layers": ("of", 1, 2, 3, 4),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """Width of the vectors; the paper takes 64."""
    layers: int = 3
    """L, how many steps over the graph; the paper takes 1 to 4."""
    lr: float = 0.005
    """Adam's step; the paper takes 0.001."""
    l2: float = 1e-4
    """Weight of half the squared norms of each row's user, positive and mean negative."""
    batch_size: int = 2048
    """Pairs in a step."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.1
    """Standard deviation of the first vectors."""

    def __post_init__(self) -> None:
        """Refuse what trains nothing."""
        _embedding_table.check(self)


Debts = list[tuple[Tensor, Tensor]]


class LightGCN(nn.Module):
    """One table [U + I, D], users first, and the graph that it is read through."""

    feed: Literal["pairs"] = "pairs"

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw the first vectors from the generator."""
        super().__init__()
        self.config, self.n_users = config, context.n_users
        self.similarity = Similarity(config.similarity, config.temperature)
        self.graph = Propagation(context.train, context.device)
        self.table = _embedding_table.table(len(self.graph), config, generator, context.device)

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """The rows of the batch; with `cut` they are leaves."""
        del generator
        hops = self._propagate() if cut else self._by_autograd()
        mean, nodes, leaves = mean_of(hops), Nodes(hops), None
        query = mean.index_select(0, batch.users)
        positive = mean.index_select(0, self.n_users + batch.items)
        layers = nodes[batch.users]
        if cut:
            rows = (query, positive, layers)
            query, positive, layers = (row.requires_grad_() for row in rows)
            leaves = Leaves(query=query, positive=positive, query_layers=layers)
        users, items = mean[: self.n_users], mean[self.n_users :]
        of_items = Nodes([hop[self.n_users :] for hop in hops])
        return View(query, items, positive, self.similarity, users, layers, of_items, leaves=leaves)

    @torch.no_grad()
    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Send the gradients of the rows used back over the graph, and add their penalty on X_0."""
        into = _embedding_table.gradient(self.table)
        if view.leaves is not None:
            into += self._back(batch, view.leaves)
        groups = [batch.users, self.n_users + batch.items]
        if negatives.ids is not None:
            groups.append(self.n_users + negatives.ids)
        _embedding_table.penalise(into, self.table, self.config.l2, *groups)

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """One propagation; the history adds nothing."""
        del history
        mean = mean_of(self._propagate())
        users, items = mean[: self.n_users], mean[self.n_users :]

        def query(rows: Tensor) -> Tensor:
            return users[rows]

        return RankingVectors(items, self.similarity, query, users, self.tangent_kernel)

    @torch.no_grad()
    def tangent_kernel(self, gradient: Tensor) -> Tensor:
        """A~ A~' times a table [U + I, *], A~ the mean of the powers of A: what a step along a
        gradient of the final vectors does to them."""
        for _ in range(2):
            hop = total = gradient
            for _ in range(self.config.layers):
                hop = self.graph.apply(hop)
                total = total + hop
            gradient = total / (self.config.layers + 1)
        return gradient

    @torch.no_grad()
    def _propagate(self) -> list[Tensor]:
        """X_0 .. X_L, [U + I, D] each."""
        hops = [self.table.detach()]
        for _ in range(self.config.layers):
            hops.append(self.graph.apply(hops[-1]))
        return hops

    def _back(self, batch: Batch, leaves: Leaves) -> Tensor:
        """G_L, then A times it plus G_{L-1}, down to G_0: the gradient of X_0."""
        share = 1 / (self.config.layers + 1)
        alike, by_hop = self._debts(batch, leaves, share)
        whole = [made for product in leaves.products if (made := product.owed()) is not None]
        owed = torch.zeros_like(self.table)
        for hop in reversed(range(self.config.layers + 1)):
            if hop < self.config.layers:
                owed = self.graph.apply(owed)
            for ids, rows in alike:
                _embedding_table.add(owed, ids, rows)
            for ids, rows in by_hop:
                _embedding_table.add(owed, ids, rows[..., hop, :])
            for items in whole:
                owed[self.n_users :].add_(items, alpha=share)
        return owed

    def _debts(self, batch: Batch, leaves: Leaves, share: float) -> tuple[Debts, Debts]:
        """Nodes with what they are owed: a share of the mean's at every hop alike, and by hop."""
        n = self.n_users
        rows = [(batch.users, leaves.query), (n + batch.items, leaves.positive)]
        rows += [(n + ids, leaf) for ids, leaf in leaves.rows]
        layers = [(batch.users, leaves.query_layers)]
        layers += [(n + ids, leaf) for ids, leaf in leaves.layers]
        return [(ids, grad * share) for ids, grad in gradients(rows)], list(gradients(layers))

    def _by_autograd(self) -> list[Tensor]:
        """The same by torch's own sparse product: slow, and the oracle of the tests."""
        matrix = self.graph.matrix()
        hops: list[Tensor] = [self.table]
        for _ in range(self.config.layers):
            hops.append(torch.sparse.mm(matrix, hops[-1]))
        return hops


class Nodes:
    """The vectors of nodes at every layer, stacked for those that are asked for."""

    def __init__(self, hops: list[Tensor]) -> None:
        """Of hops [nodes, D]."""
        self.hops = hops

    def __getitem__(self, ids: Tensor) -> Tensor:
        """[..., L + 1, D]."""
        return torch.stack([F.embedding(ids, hop) for hop in self.hops], -2)


def mean_of(hops: list[Tensor]) -> Tensor:
    """The mean of tables [nodes, D]."""
    mean = hops[0] / len(hops)
    for hop in hops[1:]:
        mean.add_(hop, alpha=1 / len(hops))
    return mean


def build(config: Config, context: TrainContext, generator: torch.Generator) -> LightGCN:
    """A fresh backbone."""
    return LightGCN(config, context, generator)
