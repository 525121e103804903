"""Weights of triplets from their values, and negatives drawn by them.

    w_k = (1 - eps) exp(z_k / tau) / mean_l exp(z_l / tau) + eps,   z_k standardised, from -3 to 3

w has mean 1 and is at least eps, so that no triplet is forgotten and none outweighs all others.
"""

from typing import Literal

import torch
from torch import Tensor

FURTHEST = 3.0
"""Standardised values are cut here."""


def tempered(values: Tensor, tau: float, eps: float, size: Tensor | None = None) -> Tensor:
    """w of each value [T], of mean 1; `size` [T] says how many triplets each stands for."""
    size = torch.ones_like(values) if size is None else size.to(values.dtype)
    total = size.sum()
    apart = values - (values * size).sum() / total
    spread = ((apart.square() * size).sum() / total).sqrt()
    z = (apart / spread.clamp(min=1e-30)).clamp(-FURTHEST, FURTHEST)
    share = (z / tau).exp()
    return (1 - eps) * share / ((share * size).sum() / total) + eps


def chosen(
    weight: Tensor, generator: torch.Generator, how: Literal["weights", "resample", "corrected"]
) -> tuple[Tensor, Tensor, Tensor]:
    """One of each row's candidates: its place [B, 1], its weight [B, 1], its row's weight [B].

    From weights [B, C], 0 for what cannot be drawn. `weights` draws evenly and weighs by w;
    `resample` draws by w and weighs the row by its mean w, which in expectation is the same;
    `corrected` draws by w and divides by it: the same as even draws.
    """
    usable = weight > 0
    usual = weight.sum(1, keepdim=True) / usable.sum(1, keepdim=True).clamp(min=1)
    wanted = (usable.to(weight.dtype) if how == "weights" else weight).log()
    coin = torch.rand(weight.shape, generator=generator, device=weight.device)
    gumbel = -(-coin.clamp(min=1e-20).log()).clamp(min=1e-20).log()
    at = (wanted + gumbel).argmax(1, keepdim=True)
    mine = weight.gather(1, at)
    one = torch.ones_like(mine)
    counts = {"weights": mine, "resample": one, "corrected": usual / mine}[how]
    of_row = usual.squeeze(1) if how == "resample" else one.squeeze(1)
    return at, counts.where(mine > 0, one), of_row
