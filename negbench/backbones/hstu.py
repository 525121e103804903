"""HSTU: causal attention without softmax, its weights pointwise and its outcome gated.

    U, V, Q, K = split(SiLU(W_1 norm(x)))
    A_ts = SiLU(<q_t, k_s> + b_{t-s}) / T   for s <= t, else 0
    x <- x + W_2 (norm(A V) * U)   in every block
    x_t = sqrt(D) v_t + p_t at first,   s(t, j) = <norm(x_t), v_j>

Zhai, Liao, Liu, Wang, Li et al., "Actions Speak Louder than Words: Trillion-Parameter Sequential
Transducers for Generative Recommendations", ICML 2024 (arXiv 2402.17152). Without softmax the
weights of a position need not sum to one, so how much a history holds of something stays visible; b
is learnt for each distance, one for all heads; U gates what attention gives, so there is no network
after it. Input and scores share one table, as for sasrec, and every position is trained in one
pass. Differs: items alone, without actions or times between them (the train context has no times),
so the bias knows places only; the final norm is a LayerNorm where the authors' has unit vectors
(`similarity=cosine,temperature=0.05` scores as theirs); T is `length`, for padding must not count.
Cost per step of S sequences of T items: 5 S T D^2 + 2 S T^2 D a block and S T^2 weights a head in
memory, three times that with the way back.

The defaults are SASRec's here, for comparison; they were not tuned and hold for all methods alike.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.backbones.sasrec import EncoderConfig, SASRec
from negbench.ops.axes import Rows, Vectors
from negbench.ops.dropout import dropout
from negbench.protocol import Card, TrainContext, check_ranges

CARD = Card(
    title="HSTU",
    family="backbone",
    authors="Jiaqi Zhai, Lucy Liao, Xing Liu, Yueming Wang, Rui Li, Xuan Cao, Leon Gao, Zhaojie"
    " Gong, Fangda Gu, Michael He, Yinghai Lu and Yu Shi",
    year=2024,
    venue="ICML",
    link="https://arxiv.org/abs/2402.17152",
    paper="Actions Speak Louder than Words: Trillion-Parameter Sequential Transducers for "
    "Generative Recommendations",
    needs=("order",),
    provides=("sequence",),
    provenance="paper",
    differs="items without actions and times, so the attention bias knows places only",
    search={
        "lr": ("log", 1e-4, 1e-2),
        "dropout": ("float", 0.0, 0.6),
        "blocks": ("of", 2, 4, 8),
        "heads": ("of", 1, 2, 4, 8),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """Width of the vectors; the paper takes 50 for ML-1M, as SASRec."""
    blocks: int = 2
    """Blocks; the paper takes 2, and 8 for its large one."""
    heads: int = 1
    """Attention heads, a divisor of `dim`; the paper takes 1, and 2 for its large one."""
    length: int = 50
    """T, how many of the latest items are read; the paper takes 200 for ML-1M, 50 for books."""
    dropout: float = 0.2
    """0 to below 1, on the input and before W_2; the paper takes 0.2 for ML-1M, 0.5 for books."""
    lr: float = 0.001
    """Adam's step; the paper takes 0.001."""
    beta2: float = 0.999
    """Adam's decay of squared gradients, 0 to below 1."""
    l2: float = 0.0
    """Weight of half the squared norms of each row's last item, positive and mean negative."""
    batch_size: int = 128
    """Sequences in a step; the paper takes 128."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores; the paper's cosines have 0.05."""
    init: float = 0.02
    """Standard deviation of the first item vectors."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError for values outside their range."""
        _embedding_table.check(self)
        if self.heads < 1 or self.dim % self.heads:
            raise ValueError(f"`heads` must divide `dim` ({self.dim}); got {self.heads}")
        for name in ("dropout", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 0 and below 1; got {getattr(self, name)}"
                )
        check_ranges(self, at_least={"length": 1})


class Block(nn.Module):
    """Pointwise causal attention and its gate, residual."""

    def __init__(self, config: EncoderConfig) -> None:
        """Empty weights; `initialise` fills them, and the bias with 0."""
        super().__init__()
        dim, self.heads, self.dropout = config.dim, config.heads, config.dropout
        self.before, self.after = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.into, self.out = nn.Linear(dim, 4 * dim), nn.Linear(dim, dim)
        self.by_distance = nn.Parameter(torch.empty(config.length))

    def forward(
        self, x: Vectors, shape: torch.Size, cells: Rows, generator: torch.Generator | None
    ) -> Vectors:
        """Positions [B, D] to positions [B, D]; only the attention sees them as [S, T]."""
        parts = F.silu(self.into(self.before(x)))
        gate, rest = parts[:, : x.shape[1]], parts[:, x.shape[1] :]
        gated = self.after(self.attend(rest, shape, cells)) * gate
        mixed: Tensor = self.out(dropout(gated, self.dropout, generator))
        return x + mixed

    def attend(self, vqk: Vectors, shape: torch.Size, cells: Rows) -> Vectors:
        """A V, [B, 3 D] -> [B, D]; padding comes after and is never attended."""
        sequences, length = shape
        padded = vqk.new_zeros(sequences * length, vqk.shape[1]).index_copy(0, cells, vqk)
        v, q, k = padded.view(sequences, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        places = torch.arange(length, device=vqk.device)
        distance = places[:, None] - places
        scores = q @ k.transpose(2, 3) + self.by_distance[distance.clamp(min=0)]
        weights = F.silu(scores) * (distance >= 0) / len(self.by_distance)
        mixed: Tensor = (weights @ v).transpose(1, 2).reshape(sequences * length, -1)
        return mixed[cells]


class HSTU(SASRec):
    """SASRec's item table and position embeddings under blocks of HSTU."""

    block = Block


def build(config: Config, context: TrainContext, generator: torch.Generator) -> HSTU:
    """An untrained model."""
    return HSTU(config, context, generator)
