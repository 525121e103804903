"""TinyLM: a small causal language model whose words are items; it writes the next one.

    x <- x + attention(norm(x)),   x <- x + W_o (silu(W_g norm(x)) * W_i norm(x))   in every block
    log p(j | x_1..x_t) = <norm(x_t), v_j> - log sum_k e^{<norm(x_t), v_k>}

The form of Llama (Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023,
arXiv 2302.13971) at the size of a recommender, trained from scratch: root-mean-square norms, gated
units, no biases, places by rotation of queries and keys (Su et al., "RoFormer", 2021, arXiv
2104.09864), so a history's beginning or padding moves nothing; one table reads and writes. An item
is one token: its log-probability needs no second pass, and any sampler trains here, which is what
`napo` and the like are compared on. What this leaves out is text: titles or semantic ids of several
tokens would make a score a sum over steps, which no dot product of a query and an item is.

`model=FOLDER`, or OWNER/NAME of the hub, takes the blocks from a causal language model of Hugging
Face, frozen but for LoRA on its attention (`texts.item_tokens`; extra `text`): items are still one
token each, with vectors of D that two linear layers bring into the model's width and back.
`start=titles` begins them with the model's own embeddings of the items' words. `hidden`, `blocks`
and `heads` are then the model's own, and everything learnt takes steps of `lr`. A cell goes by what
the folder holds; a model of the hub by its name alone. Cost: 3 times a pass over S T tokens.

It differs from `sasrec` in the block, not in the task. No dropout on attention weights. Cost per
step of S sequences of T items: (4 D + 3 H) S T D + S T^2 D a block, three times that with the way
back. The defaults are ours and were not tuned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from negbench.backbones import _embedding_table
from negbench.backbones._sequence import SequenceBackbone, initialise
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.ops.dropout import dropout
from negbench.protocol import Card, TrainContext, check_ranges
from negbench.texts.language_models import LoRA, check_model

CARD = Card(
    title="TinyLM, a causal language model over item tokens",
    family="backbone",
    needs=("order",),
    provides=("sequence",),
    provenance="ours",
    differs="Llama's block at a recommender's size, one token an item, trained from scratch; or "
    "blocks of a given model, with LoRA",
    search={
        "lr": ("log", 1e-4, 1e-2),
        "dropout": ("float", 0.0, 0.6),
        "blocks": ("of", 1, 2, 4),
    },
)

BASE = 10_000.0
"""The slowest rotation is about this many times slower than the fastest."""


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """D, width of the model and of the item vectors."""
    hidden: int = 128
    """H, width of the gated units, 1 or more."""
    blocks: int = 2
    """Blocks."""
    heads: int = 2
    """Attention heads; each takes an even share of `dim`."""
    length: int = 50
    """T, how many of the latest items are read."""
    dropout: float = 0.2
    """0 to 1, on the item vectors and on what a block adds."""
    lr: float = 0.001
    """Adam's step."""
    l2: float = 0.0
    """Weight of half the squared norms of each row's last item, positive and mean negative."""
    batch_size: int = 128
    """Sequences in a step."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.02
    """Standard deviation of the first item vectors."""
    model: str = ""
    """A causal language model whose blocks are taken: a folder, or OWNER/NAME of the hub."""
    start: Literal["random", "titles"] = "random"
    """titles: the first item vectors are the model's own of the items' words."""
    lora_rank: int = 8
    """r of the low-rank weights, 1 or more; this and the next two concern `model` alone."""
    lora_alpha: float = 16.0
    """Their share is lora_alpha / lora_rank, above 0."""
    lora_dropout: float = 0.05
    """0 to 1, on what they read."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError for values outside their range."""
        _embedding_table.check(self)
        if not self.model and (self.heads < 1 or self.dim % (2 * self.heads)):
            raise ValueError(
                f"`heads` must divide `dim` ({self.dim}) into even shares; got {self.heads}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be at least 0 and below 1; got {self.dropout}")
        check_ranges(self, at_least={"hidden": 1, "length": 1})
        LoRA(self.lora_rank, self.lora_alpha, self.lora_dropout)
        if self.model:
            check_model("tiny_lm", self.model, causal=True)
        elif self.start == "titles":
            raise ValueError("`start=titles` takes the words of a `model`; give one")

    @property
    def needs(self) -> Sequence[str]:
        """What these settings need of the data, beside the card's `needs`."""
        return ("texts",) if self.start == "titles" else ()


class Rotation:
    """Rotary position embeddings: products depend on the distance of two positions only."""

    def __init__(self, width: int, length: int, device: torch.device) -> None:
        """Cosines and sines of every position, [T, width / 2] each."""
        speed = BASE ** (-torch.arange(0, width, 2, device=device) / width)
        angle = torch.arange(length, device=device).unsqueeze(1) * speed
        self.cos, self.sin = angle.cos(), angle.sin()

    def rotate(self, x: AnyShape) -> AnyShape:
        """[..., T, width] rotated by position."""
        cos, sin = self.cos[: x.shape[-2]], self.sin[: x.shape[-2]]
        first, second = x.chunk(2, -1)
        return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


class Block(nn.Module):
    """A transformer block: causal self-attention, then a gated network, both residual."""

    def __init__(self, config: Config) -> None:
        """Empty weights; `initialise` fills them."""
        super().__init__()
        dim, self.heads, self.dropout = config.dim, config.heads, config.dropout
        self.before_attention, self.before_units = nn.RMSNorm(dim), nn.RMSNorm(dim)
        self.to_qkv, self.mix = (nn.Linear(dim, n * dim, bias=False) for n in (3, 1))
        self.gate, self.inner = (nn.Linear(dim, config.hidden, bias=False) for _ in range(2))
        self.outer = nn.Linear(config.hidden, dim, bias=False)

    def forward(
        self,
        x: Vectors,
        shape: torch.Size,
        cells: Rows,
        places: Rotation,
        generator: torch.Generator | None,
    ) -> Vectors:
        """Positions [B, D] to positions [B, D]; only the attention sees them as [S, T]."""
        attended = self.attend(self.to_qkv(self.before_attention(x)), shape, cells, places)
        x = x + dropout(self.mix(attended), self.dropout, generator)
        y = self.before_units(x)
        gated = self.outer(F.silu(self.gate(y)) * self.inner(y))
        return x + dropout(gated, self.dropout, generator)

    def attend(self, qkv: Vectors, shape: torch.Size, cells: Rows, places: Rotation) -> Vectors:
        """Causal self-attention, [B, 3 D] -> [B, D]; padding comes after and is never attended."""
        sequences, length = shape
        padded = qkv.new_zeros(sequences * length, qkv.shape[1]).index_copy(0, cells, qkv)
        q, k, v = padded.view(sequences, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = places.rotate(q), places.rotate(k)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return mixed.transpose(1, 2).reshape(sequences * length, -1)[cells]


class TinyLM(SequenceBackbone):
    """The token table, the transformer blocks and the last norm."""

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw all initial weights from the generator."""
        super().__init__(config, context, generator)
        self.config, self.scale = config, config.dim**0.5
        with torch.device("meta"):
            self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
            self.last = nn.RMSNorm(config.dim)
        for part in (self.blocks, self.last):
            initialise(part, generator)
        self.places = Rotation(config.dim // config.heads, config.length, context.device)
        self.to(context.device)

    def encoder(self, inputs: AnyShape, cells: Rows, generator: torch.Generator | None) -> Vectors:
        """The tokens through the blocks."""
        x = self.look_up(inputs.reshape(-1)[cells]) * self.scale
        x = dropout(x, self.config.dropout, generator)
        for block in self.blocks:
            x = block(x, inputs.shape, cells, self.places, generator)
        outputs: Vectors = self.last(x)
        return outputs


def build(config: Config, context: TrainContext, generator: torch.Generator) -> SequenceBackbone:
    """An untrained model."""
    if config.model:
        from negbench.backbones._item_language_model import ItemLanguageModel

        return ItemLanguageModel(config, context, generator)
    return TinyLM(config, context, generator)
