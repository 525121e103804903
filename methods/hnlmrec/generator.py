"""Network that generates a user's hard negative from text vectors and collaborative vectors.

    query = [A t_u ; A t_i ; P e_u ; P e_i] + types      tokens of H
    e_hard = MLP(query + attention(query))               R^D

HNLMRec's language model and adapter in small (its figure has self-attention and an MLP); about
15 H^2 weights. Weights are drawn from a generator, alike on every device.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from negbench.protocol import AnyVectors, TextVectors, Vectors

Signals = Literal["both", "semantic", "cf"]
HEADS = 4


class TextGenerator(nn.Module):
    """G: texts [B, T] and vectors [B, D] of a user and an item -> [B, D], all about unit size."""

    def __init__(
        self,
        dim: int,
        text: int,
        hidden: int,
        signals: Signals,
        *,
        generator: torch.Generator,
    ) -> None:
        """`signals` says which tokens the query has; `hidden` H is a multiple of four."""
        super().__init__()
        self.signals: Signals = signals
        worded, tokens = signals != "cf", 4 if signals == "both" else 2
        self.words = nn.Linear(text, hidden, bias=False) if worded else None
        self.vectors = nn.Linear(dim, hidden, bias=False) if signals != "semantic" else None
        self.types = nn.Parameter(torch.zeros(tokens, hidden))
        self.mix = nn.Linear(hidden, 3 * hidden, bias=False)
        self.out = nn.Linear(hidden, hidden)
        self.first = nn.Linear(tokens * hidden, 2 * hidden)
        self.last = nn.Linear(2 * hidden, dim)
        self._init_weights(generator)

    @torch.no_grad()
    def _init_weights(self, generator: torch.Generator) -> None:
        self.types.normal_(0, 0.1, generator=generator)
        for layer in (self.words, self.vectors, self.mix, self.out, self.first, self.last):
            if layer is None:
                continue
            bound = 1 / math.sqrt(layer.in_features)
            for weights in layer.parameters():
                weights.uniform_(-bound, bound, generator=generator)

    def forward(self, t_u: TextVectors, t_i: TextVectors, e_u: Vectors, e_i: Vectors) -> Vectors:
        """The hard negative of each row, [B, D]."""
        tokens = []
        if self.words is not None:
            size = math.sqrt(t_u.shape[1])  # text vectors have length 1
            tokens += [self.words(size * t_u), self.words(size * t_i)]
        if self.vectors is not None:
            tokens += [self.vectors(e_u), self.vectors(e_i)]
        x = torch.stack(tokens, 1) + self.types
        x = x + self.out(self.attention(x))
        generated: Vectors = self.last(F.relu(self.first(x.flatten(1))))
        return generated

    def attention(self, x: AnyVectors) -> AnyVectors:
        """Self-attention over the tokens [B, n, H]."""
        rows, n, hidden = x.shape
        parts = self.mix(x).view(rows, n, 3, HEADS, hidden // HEADS).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(*parts.unbind(0))
        return heads.transpose(1, 2).reshape(rows, n, hidden)
