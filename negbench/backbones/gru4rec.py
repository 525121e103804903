"""GRU4Rec: a recurrent unit reads the user's items one by one; its state scores the next.

    h_t = GRU(v_t, h_{t-1}),   s(t, j) = <W h_t + b, v_j>

Hidasi, Karatzoglou, Baltrunas & Tikk, "Session-based Recommendations with Recurrent Neural
Networks", ICLR 2016 (arXiv 1511.06939). Differs: items share one table between input and scores,
whole histories are read instead of parallel sessions, and every position is trained in one pass.
Cost per step of S sequences of T items: 3 S T H (D + H) a layer, three times that with the way
back, T steps one after another.

The defaults are ours and were not tuned; on `random` (goodbooks, one seed) they reach a validation
NDCG@20 of .051. They hold for all methods alike.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from negbench.backbones import _embedding_table
from negbench.backbones._sequence import SequenceBackbone, initialise
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.ops.dropout import dropout
from negbench.protocol import Card, TrainContext, check_ranges

CARD = Card(
    title="GRU4Rec",
    family="backbone",
    authors="Balázs Hidasi, Alexandros Karatzoglou, Linas Baltrunas and Domonkos Tikk",
    year=2016,
    venue="ICLR",
    link="https://arxiv.org/abs/1511.06939",
    paper="Session-based Recommendations with Recurrent Neural Networks",
    needs=("order",),
    provides=("sequence",),
    provenance="paper",
    differs="one item table for input and scores, and whole histories instead of parallel sessions",
    search={
        "lr": ("log", 1e-4, 1e-2),
        "dropout": ("float", 0.0, 0.6),
        "hidden": ("of", 64, 128, 256),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """Width of the item vectors."""
    hidden: int = 128
    """H, width of the state; the paper takes 100 to 1000."""
    layers: int = 1
    """Recurrent layers; the paper takes 1."""
    length: int = 50
    """T, how many of the latest items are read."""
    dropout: float = 0.2
    """0 to 1, on the item vectors and on the last state."""
    lr: float = 0.001
    """Adam's step."""
    l2: float = 0.0
    """Weight of half the squared norms of each row's last item, positive and mean negative."""
    batch_size: int = 128
    """Sequences in a step."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.1
    """Standard deviation of the first item vectors."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        _embedding_table.check(self)
        check_ranges(self, at_least={"hidden": 1, "layers": 1, "length": 1})
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be at least 0 and below 1; got {self.dropout}")


class GRU4Rec(SequenceBackbone):
    """The item table, the recurrent unit and the map from its state to item vectors."""

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw all first weights from the generator."""
        super().__init__(config, context, generator)
        self.config = config
        with torch.device("meta"):
            self.unit = nn.GRU(config.dim, config.hidden, config.layers, batch_first=True)
            self.out = nn.Linear(config.hidden, config.dim)
        for part in (self.unit, self.out):
            initialise(part, generator)
        self.to(context.device)

    def encoder(self, inputs: AnyShape, cells: Rows, generator: torch.Generator | None) -> Vectors:
        """The GRU over the histories; padding after the last item is not read."""
        p = self.config.dropout
        states = self.unit(dropout(self.look_up(inputs), p, generator))[0]
        outputs: Vectors = self.out(
            dropout(states.reshape(-1, states.shape[2])[cells], p, generator)
        )
        return outputs


def build(config: Config, context: TrainContext, generator: torch.Generator) -> GRU4Rec:
    """An untrained model."""
    return GRU4Rec(config, context, generator)
