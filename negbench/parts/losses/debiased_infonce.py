"""Debiased and hard-negative InfoNCE: corrected for hidden positives, weighed by hardness.

    L = log(1 + N g e^{-z_i}),   z = s / tau
    g = max((h - tau+ e^{z_i}) / (1 - tau+), e^{-1 / tau})
    h = sum_j w_j e^{z_j},   w_j = e^{beta z_j} / sum_l e^{beta z_l}

A draw from the catalogue is a positive with probability tau+; their share is taken off the sum. The
floor is the least value that e^{z} has for cosines; without tau+ nothing is taken off and there is
none. All of it is worked out in logs, so scores without a bound do not overflow.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from negbench.parts.losses.functions import count_unmasked, masked_score
from negbench.protocol import Mask, Negatives, Rows, Scores, Step, check_ranges

EDGE = -1e-4
"""Log of the share of positives above which what is left is rounding, and the floor holds."""


def log_mean(z: Scores, beta: float, logw: Scores | None, mask: Mask | None) -> Rows:
    """log h of scores z = s / tau [B, N] -> [B]; the negatives' own log weights are added."""

    def summed(values: Scores) -> Rows:
        if mask is not None:
            values = values.masked_fill(~mask, masked_score(values.dtype))
        return values.logsumexp(1)

    top = (1 + beta) * z
    if logw is not None:  # a weight of 0 is finite here, so that a row of them has a gradient
        top = (top + logw).clamp(min=masked_score(z.dtype))
    return summed(top) - summed(beta * z)


def without_positives(log_h: Rows, z_pos: Rows, tau_plus: float, floor: float) -> Rows:
    """log g, [B]: log h [B] without the share of hidden positives, given their scores z_pos [B]."""
    if tau_plus == 0:
        return log_h
    share = math.log(tau_plus) + z_pos - log_h
    inside = share < EDGE
    # `where` twice: no gradient may come from a logarithm outside its domain.
    left = torch.log1p(-torch.where(inside, share, -1.0).exp()) + log_h - math.log1p(-tau_plus)
    return torch.where(inside, left, floor).clamp(min=floor)


@dataclass(frozen=True)
class Debiased:
    """The debiased InfoNCE objective; `tau_plus` and `beta` both 0 are InfoNCE."""

    tau: float = 0.1
    """Above 0."""
    tau_plus: float = 0.0
    """tau+, 0 to below 1."""
    beta: float = 0.0
    """0 or more."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, above={"tau": 0})
        if not 0 <= self.tau_plus < 1:
            raise ValueError(f"`tau_plus` must be 0 or more and below 1; got {self.tau_plus}")
        if not self.beta >= 0:
            raise ValueError(f"`beta` must be 0 or more; got {self.beta}")

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]; 0 for a row without negatives."""
        del step
        if not s_neg.shape[1]:
            return torch.zeros_like(s_pos)
        mask, z_pos, z_neg = negatives.mask, s_pos / self.tau, s_neg / self.tau
        log_h = log_mean(z_neg, self.beta, negatives.logw, mask)
        log_g = without_positives(log_h, z_pos, self.tau_plus, -1 / self.tau)
        n = count_unmasked(s_neg, mask)
        rows = F.softplus(n.clamp(min=1).log() + log_g - z_pos)
        return rows if mask is None else rows.masked_fill(n == 0, 0.0)
