"""NGCF: graph convolution with a weight matrix in each layer, its layers joined beside each other.

    E_{l+1} = LeakyReLU((A + I) E_l W_l + (A E_l * E_l) V_l),   slope .2, dropout on the outcome
    e = [E_0, E_1 / |E_1|, ..., E_L / |E_L|]
    s(u, i) = <e_u, e_i>, the sum of the layers' products

Wang, He, Wang, Feng & Chua, "Neural Graph Collaborative Filtering", SIGIR 2019 (arXiv 1905.08108).
A is the symmetrically normalised adjacency of the train pairs; layers are normalised row by row as
in the authors' code (`normalise=false`: the paper's text). `dim` is the width of what is scored, so
that all backbones of one run can have the same; each of the L + 1 layers has its share of it, and
the default, 256, is the paper's three layers of 64 over vectors of 64. The penalty stands on E_0.

It provides layers for mixgcf and dens: layer l is e inside its own block, times L + 1, and zeros
elsewhere, so that the mean of layers is e; `mixgcf(query=layer)` chooses as MixGCF does on
concatenated layers, and so does `query=pooled` here. Cost per step: 2 L sparse products over the
graph, of width D / (L + 1), 6 (U + I) D^2 / (L + 1)^2 products a layer, and a dense Adam step.

The defaults hold for all methods alike and were not tuned.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.backbones._graph_propagation import Propagation
from negbench.backbones._nodes import NodeBackbone
from negbench.backbones._sequence import initialise
from negbench.ops.dropout import dropout
from negbench.protocol import AnyShape, Card, TrainContext, check_ranges

CARD = Card(
    title="NGCF",
    family="backbone",
    authors="Xiang Wang, Xiangnan He, Meng Wang, Fuli Feng and Tat-Seng Chua",
    year=2019,
    venue="SIGIR",
    link="https://arxiv.org/abs/1905.08108",
    paper="Neural Graph Collaborative Filtering",
    provides=("users", "layers"),
    provenance="paper",
    differs="`dim` is the width of all layers together.",
    later=("weight_decay",),
    search={
        "lr": ("log", 1e-4, 1e-2),
        "l2": ("log", 1e-6, 1e-1),
        "dropout": ("of", 0.0, 0.1, 0.3),
        "layers": ("of", 1, 3),
    },
    presets={"mixgcf": {"dim": 256, "layers": 3, "lr": 1e-4, "l2": 1e-4, "batch_size": 1024}},
)


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 256
    """Width of what is scored, a multiple of `layers` + 1; the paper takes 256, 64 a layer."""
    layers: int = 3
    """L, 0 or more; the paper takes 1 to 4."""
    dropout: float = 0.1
    """Of messages, 0 to below 1; the paper takes 0.1."""
    normalise: bool = True
    """Whether layers 1 to L are unit vectors, as in the authors' code."""
    lr: float = 0.005
    """Adam's step; the paper takes 0.0001 to 0.005, MixGCF 0.0001."""
    l2: float = 1e-4
    """Weight of half the squared norms of each row's user, positive and mean negative."""
    weight_decay: float = 0.0
    """Adam's own: adds this times a parameter to its gradient in each step, batch or not."""
    batch_size: int = 2048
    """Pairs in a step; the paper takes 1024."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.1
    """Standard deviation of the first vectors."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError where nothing would train."""
        _embedding_table.check(self)
        check_ranges(self, at_least={"layers": 0})
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be at least 0 and below 1; got {self.dropout}")
        if self.dim % (self.layers + 1):
            raise ValueError(
                f"`dim` must be a multiple of `layers` + 1 ({self.layers + 1}), a share of it for "
                f"each layer; got {self.dim}"
            )


class NGCF(NodeBackbone):
    """The table of E_0, the graph, and two matrices a layer."""

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw all initial weights from the generator."""
        self.blocks = config.layers + 1
        width = config.dim // self.blocks
        super().__init__(config, context, generator, width)
        self.config, self.graph = config, Propagation(context.train, context.device)
        with torch.device("meta"):
            pairs = [nn.Linear(width, width, bias=False) for _ in range(2 * config.layers)]
        for matrix in pairs:
            initialise(matrix, generator)
        self.plain, self.crossed = nn.ModuleList(pairs[::2]), nn.ModuleList(pairs[1::2])
        self.to(context.device)

    def nodes(self, generator: torch.Generator | None, *, cut: bool) -> AnyShape:
        """e of all nodes, [U + I, D]."""
        matrix = None if cut else self.graph.matrix()
        x: Tensor = self.table
        layers = [x]
        for plain, crossed in zip(self.plain, self.crossed, strict=True):
            near = product(self.graph, x) if matrix is None else torch.sparse.mm(matrix, x)
            x = F.leaky_relu(plain(near + x) + crossed(near * x), SLOPE)
            x = dropout(x, self.config.dropout, generator)
            layers.append(F.normalize(x, dim=1) if self.config.normalise else x)
        return torch.cat(layers, 1)


SLOPE = 0.2
"""Of LeakyReLU below 0."""


class Product(torch.autograd.Function):
    """A x with the gradient A g, as A is symmetric."""

    @staticmethod
    def forward(ctx: Any, graph: Propagation, x: AnyShape) -> AnyShape:
        """A x, [U + I, *]."""
        ctx.graph = graph
        return graph.apply(x)

    @staticmethod
    def backward(ctx: Any, *gradients: AnyShape) -> tuple[None, AnyShape]:
        """A g, [U + I, *]."""
        return None, ctx.graph.apply(gradients[0].contiguous())


def product(graph: Propagation, x: AnyShape) -> AnyShape:
    """A x with autograd, [U + I, *]."""
    outcome: Tensor = Product.apply(graph, x)  # type: ignore[no-untyped-call]
    return outcome


def build(config: Config, context: TrainContext, generator: torch.Generator) -> NGCF:
    """An untrained model."""
    return NGCF(config, context, generator)
