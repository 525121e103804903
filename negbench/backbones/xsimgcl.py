"""XSimGCL: LightGCN without layer 0, with noise in its layers and a contrastive loss between two.

    X_l = A X_{l-1} + eps sign(A X_{l-1}) * n / |n|,   n ~ U(0, 1) in each place of each node
    e = (X_1 + ... + X_L) / L,   s(u, i) = <e_u, e_i>
    loss = rows + weight (C(users of the batch) + C(its positive items))
    C(V) = mean_{v in V} -log( e^{cos(a_v, b_v) / tau} / sum_{w in V} e^{cos(a_v, b_w) / tau} )

Yu, Xia, Chen, Cui, Hung & Yin, "XSimGCL: Towards Extremely Simple Graph Contrastive Learning for
Recommendation", TKDE 2023 (arXiv 2209.02544). What a and b are is said by `views`:

- layers (XSimGCL): a = e and b = X_{l*} of the one noisy pass, whose e is also what is scored.
- passes (SimGCL, SIGIR 2022): the e of two more noisy passes; what is scored has no noise.
- graphs (SGL, SIGIR 2021): the e of two graphs, each without a share `drop` of the edges, without
  noise; there the mean holds X_0 (`layer0=true`).

The contrastive loss is the backbone's own, so it is on for every method alike: of its users and
positives, never of negatives, and only in training. Noise is for training too; ranks have none. As
the sign has no slope, the way back is LightGCN's. `eps=0,weight=0` is LightGCN without layer 0, and
with `layer0=true` LightGCN. Differs from SGL: edges are dropped anew in every step, not every
epoch, and contrasted are the nodes of the batch. Cost per step: 2 L sparse products as LightGCN and
L (U + I) D random numbers (passes: 4 L and twice as many; graphs: 6 L), and V^2 D for the two
contrasts.

The defaults are those of the paper's Yelp 2018 but for the weight, tau and the learning rate of our
LightGCN; they were not tuned and hold for all methods alike.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.backbones import _embedding_table
from negbench.backbones._graph_propagation import Propagation
from negbench.backbones.lightgcn import Arrived, LightGCN, Nodes
from negbench.protocol import (
    Batch,
    Card,
    Leaves,
    Rows,
    Scalar,
    TrainContext,
    Vectors,
    View,
    check_ranges,
)

CARD = Card(
    title="XSimGCL, SimGCL and SGL: contrastive graph convolution",
    family="backbone",
    authors="Junliang Yu, Xin Xia, Tong Chen, Lizhen Cui, Nguyen Quoc Viet Hung and Hongzhi Yin",
    year=2023,
    venue="TKDE",
    link="https://arxiv.org/abs/2209.02544",
    paper="XSimGCL: Towards Extremely Simple Graph Contrastive Learning for Recommendation",
    provides=("users", "layers"),
    provenance="specification",
    differs="SGL drops edges anew in every step and contrasts the nodes of the batch.",
    later=("weight_decay",),
    search={
        "lr": ("log", 1e-4, 1e-1),
        "l2": ("log", 1e-6, 1e-1),
        "weight": ("of", 0.05, 0.1, 0.2, 0.5),
        "eps": ("of", 0.05, 0.1, 0.2),
        "layers": ("of", 2, 3),
    },
    presets={
        "released": {
            "weight": 0.2,
            "eps": 0.2,
            "tau": 0.15,
            "contrast_layer": 1,
            "lr": 0.001,
            "l2": 1e-4,
            "batch_size": 2048,
        },
        "ir_benchmark": {
            "layers": 3,
            "weight": 0.1,
            "eps": 0.1,
            "tau": 0.1,
            "contrast_layer": 1,
            "noise": "normal",
            "nodes": "rows",
            "batch_size": 1024,
            "init": 1.0,
        },
        "simgcl": {
            "views": "passes",
            "weight": 0.5,
            "eps": 0.1,
            "tau": 0.2,
            "lr": 0.001,
            "l2": 1e-4,
            "batch_size": 2048,
        },
        "sgl": {
            "views": "graphs",
            "layer0": True,
            "weight": 0.1,
            "drop": 0.1,
            "tau": 0.2,
            "lr": 0.001,
            "l2": 1e-4,
            "batch_size": 2048,
        },
    },
)


TINY = 1e-12
"""Least length of noise, which is divided by."""


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """Width of the vectors; the paper takes 64."""
    layers: int = 3
    """L, 1 or more; the paper takes 1 to 3."""
    eps: float = 0.2
    """Length of the noise of each node in each layer, 0 or more; 0.2 for Yelp 2018."""
    weight: float = 0.1
    """Of the contrastive loss, 0 or more; 0.2 for Yelp 2018."""
    tau: float = 0.2
    """Temperature of the contrastive loss, above 0; 0.15 for Yelp 2018."""
    contrast_layer: int = 1
    """l*, 1 to `layers`; 1 for Yelp 2018. For `views=layers`."""
    views: Literal["layers", "passes", "graphs"] = "layers"
    """What is contrasted: XSimGCL, SimGCL, SGL."""
    drop: float = 0.1
    """Share of edges that a graph is without, 0 to below 1; SGL takes 0.1. For `views=graphs`."""
    noise: Literal["uniform", "normal"] = "uniform"
    """The law of n: U(0, 1) in the authors' code, N(0, 1) in IR-Benchmark."""
    nodes: Literal["unique", "rows"] = "unique"
    """Contrasted are each user and item of the batch once, or as often as they come."""
    layer0: bool = False
    """Whether the mean holds X_0: LightGCN's and SGL's does."""
    lr: float = 0.005
    """Adam's step; the paper takes 0.001."""
    l2: float = 1e-4
    """Weight of half the squared norms of each row's user, positive and mean negative."""
    weight_decay: float = 0.0
    """Adam's own: adds this times a parameter to its gradient in each step, batch or not."""
    batch_size: int = 2048
    """Pairs in a step; the paper takes 2048."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.1
    """Standard deviation of the first vectors."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError where nothing would train."""
        _embedding_table.check(self)
        check_ranges(self, at_least={"layers": 1, "eps": 0, "weight": 0}, above={"tau": 0})
        check_ranges(self, between={"contrast_layer": (1, self.layers)})
        if not 0 <= self.drop < 1:
            raise ValueError(f"`drop` must be at least 0 and below 1; got {self.drop}")


@dataclass(frozen=True, eq=False)
class Contrasted:
    """One of the two tables of a contrast, and what its gradient goes back through."""

    hops: Sequence[Tensor]
    """The layers whose mean it is, [U + I, D] each."""
    graph: Propagation
    layer: int | None = None
    """The one layer that it is; None for the mean."""

    def vectors(self, nodes: Rows) -> Vectors:
        """Vectors [V, D] of nodes [V]."""
        return Nodes(self.hops)[nodes].mean(-2)


@dataclass(eq=False)
class ContrastLeaves(Leaves):
    """The leaves of a step and, apart, those of the contrast: a step that reaches these alone is
    one in which a method's parts learn alone and the backbone rests."""

    contrast: list[tuple[Contrasted, Tensor, Tensor]] = field(default_factory=list)
    """(table, nodes [V], their vectors [V, D])."""


class XSimGCL(LightGCN):
    """LightGCN with noise and a contrastive loss in training."""

    config: Config

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw the initial vectors from the generator."""
        super().__init__(config, context, generator)
        self.first = 0 if config.layer0 else 1
        self.edges = Edges(self.graph) if config.views == "graphs" else None

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """The rows of the batch; in training with the contrastive loss among the losses."""
        config, hops_of = self.config, self._propagate if cut else self._by_autograd
        noise = self._noise(generator) if self.training and config.eps else None
        hops = hops_of(noise=noise if config.views == "layers" else None)
        view = self.show(batch, hops, cut=cut)
        if not self.training or not config.weight:
            return view
        if config.views == "layers":
            one = config.contrast_layer
            pair = [
                Contrasted(hops[self.first :], self.graph),
                Contrasted([hops[one]], self.graph, one),
            ]
        else:
            graphs = [self._graph(generator), self._graph(generator)]
            noise = noise if config.views == "passes" else None
            pair = [Contrasted(hops_of(each, noise)[self.first :], each) for each in graphs]
        return self._with_contrast(view, batch, pair)

    def _graph(self, generator: torch.Generator) -> Propagation:
        return self.graph if self.edges is None else self.edges.without(self.config.drop, generator)

    def _noise(self, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
        config, draw = self.config, torch.rand if self.config.noise == "uniform" else torch.randn

        def noise(hop: Tensor) -> Tensor:
            n = draw(hop.shape, generator=generator, device=hop.device, dtype=hop.dtype)
            length = torch.linalg.vector_norm(n, dim=1, keepdim=True).clamp_(min=TINY)
            return n.mul_(config.eps / length).mul_(hop.sign())

        return noise

    def _with_contrast(self, view: View, batch: Batch, pair: Sequence[Contrasted]) -> View:
        leaves = None if view.leaves is None else ContrastLeaves(**vars(view.leaves))
        loss = view.query.new_zeros(())
        for nodes in (batch.users, self.n_users + batch.items):
            if self.config.nodes == "unique":
                nodes = torch.unique(nodes)
            vectors = [each.vectors(nodes) for each in pair]
            if leaves is not None:
                for each, rows in zip(pair, vectors, strict=True):
                    leaves.contrast.append((each, nodes, rows.requires_grad_()))
            loss = loss + info_nce(vectors[0], vectors[1], self.config.tau)
        losses = {**view.losses, "contrast": self.config.weight * loss}
        return replace(view, leaves=leaves, losses=losses)

    def _back(self, batch: Batch, leaves: Leaves) -> Tensor:
        arrived = {self.graph: self._arrived(batch, leaves)}
        for of, nodes, vectors in leaves.contrast if isinstance(leaves, ContrastLeaves) else ():
            if vectors.grad is None:
                continue
            here = arrived.setdefault(of.graph, Arrived())
            if of.layer is None:
                here.mean.append((nodes, vectors.grad))
            else:
                here.one.append((of.layer, nodes, vectors.grad))
        total = torch.zeros_like(self.table)
        for graph, gradients in arrived.items():
            total += self._through(graph, gradients)
        return total


class Edges:
    """The edges of a graph, for graphs without some of them."""

    def __init__(self, graph: Propagation) -> None:
        """Find the two ways of each edge."""
        self.graph, n = graph, len(graph)
        self.sources = torch.repeat_interleave(graph.bounds.diff().long())
        self.targets = graph.targets.long()
        ends = torch.stack([self.sources, self.targets])
        keys = ends.amin(0) * n + ends.amax(0)
        self.edge = torch.unique(keys, return_inverse=True)[1]

    @torch.no_grad()
    def without(self, share: float, generator: torch.Generator) -> Propagation:
        """The graph without each edge at probability `share`, normalised anew."""
        drawn = torch.rand(len(self.edge) // 2, generator=generator, device=self.edge.device)
        kept = (drawn >= share).float()[self.edge]
        degree = kept.new_zeros(len(self.graph)).index_add_(0, self.sources, kept)
        scale = degree.clamp_(min=1).rsqrt_()
        graph = copy(self.graph)
        graph.weights = kept * scale[self.sources] * scale[self.targets]
        return graph


def info_nce(a: Vectors, b: Vectors, tau: float) -> Scalar:
    """C: the mean loss of telling each b_v from the others by its a_v, under cosines."""
    scores = (F.normalize(a, dim=-1) / tau) @ F.normalize(b, dim=-1).T
    own = torch.arange(len(scores), device=scores.device)
    return F.cross_entropy(scores, own)


def build(config: Config, context: TrainContext, generator: torch.Generator) -> XSimGCL:
    """An untrained model."""
    return XSimGCL(config, context, generator)
