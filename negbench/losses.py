"""The losses as pure functions: scores in, one loss a row out.

`s_pos` is [B]; `s_neg`, `weight` and `mask` are [B, N]. A masked negative counts for nothing, and a row
with none left has the loss of its positive alone (0 where the loss compares the two).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

NEVER = -1e30
"""The log weight of a masked negative: finite, so that a fully masked row keeps a finite gradient."""


def over_negatives(
    values: Tensor, weight: Tensor | None, mask: Tensor | None, reduce: str = "mean"
) -> Tensor:
    """Weighted mean or sum over the negatives that count, [B, N] -> [B]."""
    if weight is not None:
        values = values * weight
    if mask is None:
        return values.mean(1) if reduce == "mean" else values.sum(1)
    total = (values * mask).sum(1)
    return total / mask.sum(1).clamp(min=1) if reduce == "mean" else total


def bpr(
    s_pos: Tensor, s_neg: Tensor, weight: Tensor | None = None, mask: Tensor | None = None
) -> Tensor:
    """mean_j w_j softplus(s_j - s_i) (Rendle et al., UAI 2009)."""
    return over_negatives(F.softplus(s_neg - s_pos.unsqueeze(1)), weight, mask)


def hinge(
    s_pos: Tensor,
    s_neg: Tensor,
    margin: float,
    weight: Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """mean_j w_j max(0, margin - s_i + s_j)."""
    return over_negatives(F.relu(margin - s_pos.unsqueeze(1) + s_neg), weight, mask)


def bce(
    s_pos: Tensor,
    s_neg: Tensor,
    weight: Tensor | None = None,
    mask: Tensor | None = None,
    reduce: str = "mean",
) -> Tensor:
    """softplus(-s_i) + mean_j (or sum_j) w_j softplus(s_j).

    Its optimum under proposal q is s = log p/q + const (const = -log N for the sum).
    """
    return F.softplus(-s_pos) + over_negatives(F.softplus(s_neg), weight, mask, reduce)


def gbce(
    s_pos: Tensor,
    s_neg: Tensor,
    n_items: int,
    t: float,
    weight: Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """(beta softplus(-s_i) + sum_j w_j softplus(s_j)) / (N + 1), beta = 1 - t (1 - N / (I - 1)).

    Petrov & Macdonald, RecSys 2023; t = 0 is BCE, t = 1 undoes the whole sampling bias.
    """
    n = s_neg.shape[1]
    beta = 1 - t * (1 - min(1.0, n / max(1, n_items - 1)))
    negative = over_negatives(F.softplus(s_neg), weight, mask, "sum")
    return (beta * F.softplus(-s_pos) + negative) / (n + 1)


def sampled_softmax(
    s_pos: Tensor,
    s_neg: Tensor,
    logq: Tensor | None = None,
    logw: Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """log(1 + sum_j e^{z_j - s_i}).

    z_j = s_j + logw_j - logq_j - log N where `logq` is given (an unbiased estimate of the full
    softmax's denominator: Bengio & Senecal 2008; Yi et al., RecSys 2019), else s_j + logw_j.
    N counts the negatives that are not masked.
    """
    z = s_neg if logw is None else s_neg + logw
    if logq is not None:
        if mask is None:
            z = z - logq - math.log(max(1, s_neg.shape[1]))
        else:
            z = z - logq - mask.sum(1, keepdim=True).clamp(min=1).to(s_neg.dtype).log()
    if mask is not None:
        z = z.masked_fill(~mask, NEVER)
    if not z.shape[1]:
        return torch.zeros_like(s_pos)
    return F.softplus(torch.logsumexp(z, 1) - s_pos)
