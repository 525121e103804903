"""LightGCN: vectors of users and items, smoothed over the graph of train pairs.

    X_{l+1} = A X_l,   e = (X_0 + ... + X_L) / (L + 1),   s(u, i) = <e_u, e_i>

He, Deng, Wang, Li, Zhang & Wang, "LightGCN: Simplifying and Powering Graph Convolution Network for
Recommendation", SIGIR 2020 (arXiv 2002.02126). A is the symmetrically normalised adjacency of the
train pairs; the L2 penalty stands on X_0. Cost per step: 2 L sparse products over the whole graph,
one each way, and a dense Adam step over (U + I) D.

The L2 weight was chosen on `random` (goodbooks, one seed, lr 0.005, validation NDCG@20: .046 with
1e-4, .041 with 1e-2, .031 with 3e-2); the default holds for all methods alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.backbones._graph_propagation import Propagation
from negbench.ops.deferred_dot import ItemGradient
from negbench.protocol import (
    AnyShape,
    Batch,
    Card,
    Csr,
    Leaves,
    Negatives,
    RankingVectors,
    Similarity,
    TrainContext,
    View,
    check_ranges,
)

CARD = Card(
    title="LightGCN",
    family="backbone",
    authors="Xiangnan He, Kuan Deng, Xiang Wang, Yan Li, Yongdong Zhang and Meng Wang",
    year=2020,
    venue="SIGIR",
    link="https://arxiv.org/abs/2002.02126",
    paper="LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
    provides=("users", "layers"),
    provenance="paper",
    later=("weight_decay",),
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
    """L, how many steps over the graph, 0 or more; the paper takes 1 to 4."""
    lr: float = 0.005
    """Adam's step; the paper takes 0.001."""
    l2: float = 1e-4
    """Weight of half the squared norms of each row's user, positive and mean negative."""
    weight_decay: float = 0.0
    """Adam's own: adds this times a parameter to its gradient in each step, batch or not."""
    batch_size: int = 2048
    """Pairs in a step."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.1
    """Standard deviation of the first vectors."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError where nothing would train."""
        _embedding_table.check(self)
        check_ranges(self, at_least={"layers": 0})


class GraphConfig(_embedding_table.Settings, Protocol):
    """The Config fields of the propagation, in this file and in backbones that build on it."""

    @property
    def layers(self) -> int:
        """L."""
        ...


@dataclass(frozen=True, eq=False)
class Arrived:
    """Gradients that have arrived at nodes, by what they are of."""

    mean: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(nodes [...], gradient [..., D]) of the layer mean."""
    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(nodes [...], gradient [..., L, D]) of every layer that the mean holds."""
    one: list[tuple[int, Tensor, Tensor]] = field(default_factory=list)
    """(layer, nodes [...], gradient [..., D]) of a single layer."""
    items: list[ItemGradient] = field(default_factory=list)
    """Gradients of the layer mean of items."""


class LightGCN(nn.Module):
    """One table [U + I, D], users first, and the graph that smooths it."""

    feed: Literal["pairs"] = "pairs"
    first = 0
    """The first layer that the mean holds; a backbone that builds on this one may leave out X_0."""

    def __init__(
        self, config: GraphConfig, context: TrainContext, generator: torch.Generator
    ) -> None:
        """Draw the initial vectors from the generator."""
        super().__init__()
        self.config, self.n_users = config, context.n_users
        self.similarity = Similarity(config.similarity, config.temperature)
        self.graph = Propagation(context.train, context.device)
        self.table = _embedding_table.table(len(self.graph), config, generator, context.device)

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """The rows of the batch; with `cut` they are leaves."""
        del generator
        return self.show(batch, self._propagate() if cut else self._by_autograd(), cut=cut)

    def show(self, batch: Batch, hops: Sequence[AnyShape], *, cut: bool) -> View:
        """The view of X_0 .. X_L."""
        hops = hops[self.first :]
        mean, nodes, leaves = mean_of(hops), Nodes(hops), None
        query = mean.index_select(0, batch.users)
        positive = mean.index_select(0, self.n_users + batch.items)
        layers = nodes[batch.users]
        if cut:
            rows = (query, positive, layers)
            query, positive, layers = (row.requires_grad_() for row in rows)
            leaves = Leaves(query=query, positive=positive, query_layers=layers, in_place=True)
        users, items = mean[: self.n_users], mean[self.n_users :]
        of_items = Nodes([hop[self.n_users :] for hop in hops])
        return View(query, items, positive, self.similarity, users, layers, of_items, leaves=leaves)

    @torch.no_grad()
    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Propagate the gradients of the rows used through the graph; add the penalty on X_0."""
        into = _embedding_table.gradient(self.table)
        if view.leaves is not None:
            into += self._back(batch, view.leaves)
        groups = [batch.users, self.n_users + batch.items]
        if negatives.ids is not None:
            groups.append(self.n_users + negatives.ids)
        _embedding_table.penalise(into, self.table, self.config.l2, *groups)

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """One propagation; the history is not used."""
        del history
        mean = mean_of(self._propagate()[self.first :])
        users, items = mean[: self.n_users], mean[self.n_users :]

        def query(rows: Tensor) -> Tensor:
            return users[rows]

        return RankingVectors(items, self.similarity, query, users, self.tangent_kernel)

    @torch.no_grad()
    def tangent_kernel(self, gradient: AnyShape) -> AnyShape:
        """A~ A~' times a table [U + I, *], A~ the mean of the powers of A: the change of the final
        vectors by a step along their gradient."""
        for _ in range(2):
            hop = gradient
            hops = [hop]
            for _ in range(self.config.layers):
                hops.append(hop := self.graph.apply(hop))
            gradient = mean_of(hops[self.first :])
        return gradient

    @torch.no_grad()
    def _propagate(
        self, graph: Propagation | None = None, noise: Callable[[Tensor], Tensor] | None = None
    ) -> list[Tensor]:
        """X_0 .. X_L, [U + I, D] each; `noise` gives what is added to each of X_1 .. X_L."""
        graph, hops = graph or self.graph, [self.table.detach()]
        for _ in range(self.config.layers):
            hop = graph.apply(hops[-1])
            hops.append(hop if noise is None else hop.add_(noise(hop)))
        return hops

    def _back(self, batch: Batch, leaves: Leaves) -> Tensor:
        """The gradient of X_0, [U + I, D]."""
        return self._through(self.graph, self._arrived(batch, leaves))

    def _arrived(self, batch: Batch, leaves: Leaves) -> Arrived:
        n = self.n_users
        of_items = leaves.item_gradients(batch.items)
        return Arrived(
            mean=[*leaves.user_gradients(batch.users), *((n + ids, g) for ids, g in of_items)],
            layers=list(leaves.layer_gradients(batch.users, n)),
            items=list(leaves.table_gradients()),
        )

    def _through(self, graph: Propagation, arrived: Arrived) -> Tensor:
        """G_L, then A times it plus G_{L-1}, down to G_0: the gradient of X_0.

        G_l is that of layer l: the layer mean's, equal at every layer it holds, and its own.
        """
        last, first = self.config.layers, self.first
        share = 1 / (last + 1 - first)
        of_mean = [(ids, gradient * share) for ids, gradient in arrived.mean]
        total = torch.zeros_like(self.table)
        for layer in reversed(range(last + 1)):
            if layer < last:
                total = graph.apply(total)
            for where, ids, gradient in arrived.one:
                if where == layer:
                    _embedding_table.add(total, ids, gradient)
            if layer < first:
                continue
            for ids, gradient in of_mean:
                _embedding_table.add(total, ids, gradient)
            for ids, gradient in arrived.layers:
                _embedding_table.add(total, ids, gradient[..., layer - first, :])
            for of_items in arrived.items:
                of_items.add_to(total[self.n_users :], share)
        return total

    def _by_autograd(
        self, graph: Propagation | None = None, noise: Callable[[Tensor], Tensor] | None = None
    ) -> list[Tensor]:
        """The same by torch's sparse product, with autograd: slow; the reference of the tests."""
        matrix = (graph or self.graph).matrix()
        hops: list[Tensor] = [self.table]
        for _ in range(self.config.layers):
            hop = torch.sparse.mm(matrix, hops[-1])
            hops.append(hop if noise is None else hop + noise(hop.detach()))
        return hops


class Nodes:
    """The vectors of nodes at every layer, stacked on access."""

    def __init__(self, hops: Sequence[AnyShape]) -> None:
        """Of the layers' tables, [nodes, D] each."""
        self.hops = hops

    def __getitem__(self, ids: AnyShape) -> AnyShape:
        """ids [...] -> [..., L + 1, D]."""
        return torch.stack([F.embedding(ids, hop) for hop in self.hops], -2)


def mean_of(hops: Sequence[AnyShape]) -> AnyShape:
    """The mean of the layers' tables, [nodes, D]."""
    mean = hops[0] / len(hops)
    for hop in hops[1:]:
        mean.add_(hop, alpha=1 / len(hops))
    return mean


def build(config: Config, context: TrainContext, generator: torch.Generator) -> LightGCN:
    """An untrained model."""
    return LightGCN(config, context, generator)
