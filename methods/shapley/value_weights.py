"""Training weights of triplets from their Shapley values, and negatives sampled by them.

    w_k = (1 - eps) exp(z_k / tau) / mean_l exp(z_l / tau) + eps,   z_k standardised, from -3 to 3

w has mean 1 and is at least eps, so that no triplet is lost and none outweighs all others.
"""

from typing import Literal

import torch

from negbench.protocol import AnyShape, Pairs, Rows, Scores

from .shapes import Chosen

MAX_Z = 3.0
"""Standardised values are clipped here."""


def softmax_weights(values: Pairs, tau: float, eps: float, size: Pairs | None = None) -> Pairs:
    """w of each value [T], of mean 1; `size` [T] is the number of triplets each stands for."""
    size = torch.ones_like(values) if size is None else size.to(values.dtype)
    total = size.sum()
    apart = values - (values * size).sum() / total
    spread = ((apart.square() * size).sum() / total).sqrt()
    z = (apart / spread.clamp(min=1e-30)).clamp(-MAX_Z, MAX_Z)
    share = (z / tau).exp()
    return (1 - eps) * share / ((share * size).sum() / total) + eps


def effective_share(weight: AnyShape) -> float:
    """The effective sample size of weights as a share of those above 0."""
    return float(weight.sum().square() / weight.square().sum() / (weight > 0).sum())


def sample_candidate(
    weight: Scores, generator: torch.Generator, how: Literal["weights", "resample", "corrected"]
) -> tuple[Chosen, Chosen, Rows]:
    """Sample one of each row's candidates: place [B, 1], weight [B, 1], weight of the row [B].

    From weights [B, C], 0 for what cannot be sampled. `weights` samples uniformly and weighs by w;
    `resample` samples by w and weighs the row by its mean w, which in expectation is the same;
    `corrected` samples by w and divides by it: the same as uniform sampling.
    """
    usable = weight > 0
    usual = weight.sum(1, keepdim=True) / usable.sum(1, keepdim=True).clamp(min=1)
    wanted = (usable.to(weight.dtype) if how == "weights" else weight).log()
    coin = torch.rand(weight.shape, generator=generator, device=weight.device)
    gumbel = -(-coin.clamp(min=1e-20).log()).clamp(min=1e-20).log()
    at = (wanted + gumbel).argmax(1, keepdim=True)
    own = weight.gather(1, at)
    one = torch.ones_like(own)
    counts = {"weights": own, "resample": one, "corrected": usual / own}[how]
    of_row = usual.squeeze(1) if how == "resample" else one.squeeze(1)
    return at, counts.where(own > 0, one), of_row
