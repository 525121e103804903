"""The log of the sum over a row's negatives, as the losses have it that leave the positive out."""

import torch
from torch import Tensor

from negbench.losses import never
from negbench.protocol import Negatives


def log_sum(z: Tensor, negatives: Negatives) -> tuple[Tensor, Tensor]:
    """log sum_j w_j e^{z_j} over the negatives that count, [B, N] -> [B]; and whether one does.

    Where none does the sum is 0 instead of minus infinity, without a gradient.
    """
    if not z.shape[1]:
        return z.new_zeros(len(z)), z.new_zeros(len(z), dtype=torch.bool)
    if negatives.logw is not None:
        z = (z + negatives.logw).clamp(min=never(z.dtype))
    if negatives.mask is None:
        return z.logsumexp(1), z.new_ones(len(z), dtype=torch.bool)
    counts = negatives.mask.any(1)
    total = z.masked_fill(~negatives.mask, never(z.dtype)).logsumexp(1)
    return total.masked_fill(~counts, 0.0), counts
