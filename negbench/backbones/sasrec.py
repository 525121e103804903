"""SASRec: a causal self-attention over the user's latest items; the last position scores the next.

    x_t = sqrt(D) v_t + p_t
    x <- x + attention(norm(x)),   x <- x + ffn(norm(x))   in every block
    s(t, j) = <norm(x_t), v_j>

Kang & McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018 (arXiv 1808.09781). Input and
scores share one table; places count from the end, so the latest item always has the same one. Every
position of a sequence is trained in one pass. Differs: the usual pre-norm (the authors' code
normalises queries only, and adds each block to the normalised input), no dropout on the attention
weights, and Adam's usual `beta2` (there .98). `preset=apple` has the width and the `beta2` of a
study of samplers (arXiv 2410.17276), whose `length` is 200 on ML-10M. Cost per step of S sequences
of T items: 6 S T D^2 + S T^2 D a block, three times that with the way back; padding costs in the
attention alone.

The defaults follow the paper but for the width; of them only the dropout was tried on `random`
(goodbooks, one seed, validation NDCG@20: .058 with 0.2, .021 with 0.5, which stopped early at epoch
8 and may not have been done). They hold for all methods alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import nn

from negbench.backbones import _embedding_table
from negbench.backbones._sequence import SequenceBackbone, Settings, initialise
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.ops.dropout import dropout
from negbench.protocol import Card, TrainContext, check_ranges

CARD = Card(
    title="SASRec",
    family="backbone",
    authors="Wang-Cheng Kang and Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://arxiv.org/abs/1808.09781",
    paper="Self-Attentive Sequential Recommendation",
    needs=("order",),
    provides=("sequence",),
    provenance="paper",
    differs="pre-norm throughout, no dropout on attention weights, Adam's beta2 .999, not .98",
    presets={"apple": {"dim": 50, "beta2": 0.98}},
    search={
        "lr": ("log", 1e-4, 1e-2),
        "dropout": ("float", 0.0, 0.6),
        "length": ("of", 50, 100, 200),
    },
    later=("beta2",),
)


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """Width of the vectors; the paper takes 50."""
    blocks: int = 2
    """Self-attention blocks; the paper takes 2."""
    heads: int = 1
    """Attention heads, a divisor of `dim`; the paper takes 1."""
    length: int = 50
    """T, how many of the latest items are read; the paper takes 200 for ML-1M, 50 elsewhere."""
    dropout: float = 0.2
    """0 to 1; the paper takes 0.2 for ML-1M, 0.5 elsewhere."""
    lr: float = 0.001
    """Adam's step; the paper takes 0.001."""
    beta2: float = 0.999
    """Adam's decay of squared gradients, 0 to below 1; the authors' code takes 0.98."""
    l2: float = 0.0
    """Weight of half the squared norms of each row's last item, positive and mean negative."""
    batch_size: int = 128
    """Sequences in a step; the paper takes 128."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.02
    """Standard deviation of the first item vectors."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError for values outside their range."""
        _embedding_table.check(self)
        if self.heads < 1 or self.dim % self.heads:
            raise ValueError(f"`heads` must divide `dim` ({self.dim}); got {self.heads}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be at least 0 and below 1; got {self.dropout}")
        if not 0 <= self.beta2 < 1:
            raise ValueError(f"`beta2` must be at least 0 and below 1; got {self.beta2}")
        check_ranges(self, at_least={"length": 1})


class EncoderConfig(Settings, Protocol):
    """The Config fields of the encoder, in this file and in backbones that build on it."""

    @property
    def blocks(self) -> int:
        """Self-attention blocks."""
        ...

    @property
    def heads(self) -> int:
        """Attention heads."""
        ...

    @property
    def dropout(self) -> float:
        """0 to 1."""
        ...


class Block(nn.Module):
    """A transformer block: causal self-attention, then a two-layer network, both residual."""

    def __init__(self, config: EncoderConfig) -> None:
        """Empty weights; `initialise` fills them."""
        super().__init__()
        dim, self.heads, self.dropout = config.dim, config.heads, config.dropout
        self.before_attention, self.before_ffn = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.to_qkv, self.mix = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.inner, self.outer = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(
        self, x: Vectors, shape: torch.Size, cells: Rows, generator: torch.Generator | None
    ) -> Vectors:
        """Positions [B, D] to positions [B, D]; only the attention sees them as [S, T]."""
        attended = self.attend(self.to_qkv(self.before_attention(x)), shape, cells)
        x = x + dropout(self.mix(attended), self.dropout, generator)
        inner = dropout(F.relu(self.inner(self.before_ffn(x))), self.dropout, generator)
        return x + dropout(self.outer(inner), self.dropout, generator)

    def attend(self, qkv: Vectors, shape: torch.Size, cells: Rows) -> Vectors:
        """Causal self-attention, [B, 3 D] -> [B, D]; padding comes after and is never attended."""
        sequences, length = shape
        padded = qkv
        if len(cells) < sequences * length:
            padded = qkv.new_zeros(sequences * length, qkv.shape[1]).index_copy(0, cells, qkv)
        q, k, v = padded.view(sequences, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(sequences * length, -1)
        return mixed if padded is qkv else mixed[cells]


class SASRec(SequenceBackbone):
    """The item table, the position embeddings and the transformer blocks."""

    block: Callable[[Any], nn.Module] = Block
    """Makes one of the blocks; a backbone that builds on this one may have blocks of its own."""

    def __init__(
        self, config: EncoderConfig, context: TrainContext, generator: torch.Generator
    ) -> None:
        """Draw all initial weights from the generator."""
        super().__init__(config, context, generator)
        self.config, self.scale = config, config.dim**0.5
        self.places = nn.Parameter(torch.empty(config.length, config.dim))
        with torch.device("meta"):
            self.blocks = nn.ModuleList(self.block(config) for _ in range(config.blocks))
            self.last = nn.LayerNorm(config.dim)
        for part in (self.blocks, self.last):
            initialise(part, generator)
        nn.init.normal_(self.places, std=config.init, generator=generator)
        self.to(context.device)

    def encoder(self, inputs: AnyShape, cells: Rows, generator: torch.Generator | None) -> Vectors:
        """Items plus position embeddings through the blocks."""
        config, length = self.config, inputs.shape[1]
        counts = (inputs != self.n_items).sum(1, keepdim=True)
        places = config.length - counts + torch.arange(length, device=inputs.device)
        x = self.look_up(inputs.reshape(-1)[cells]) * self.scale
        x = dropout(x + self.places[places.view(-1)[cells]], config.dropout, generator)
        for block in self.blocks:
            x = block(x, inputs.shape, cells, generator)
        outputs: Vectors = self.last(x)
        return outputs


def build(config: Config, context: TrainContext, generator: torch.Generator) -> SASRec:
    """An untrained model."""
    return SASRec(config, context, generator)
