"""Log weights of a row's N negatives from a distribution p over them: delta = log(N p).

    sum_j e^{delta_j} = N,   KL(u || p) = -mean_j delta_j,   KL(p || u) = mean_j e^{delta_j} delta_j

u is uniform. Within a ball of radius eta around u the p that raises sum_j p_j f_j the most,
f_j = e^{z_j}, has a closed form in one number, by bisection:

    KL(p || u) <= eta:   p_j ~ e^{f_j / lambda}          KL(u || p) <= eta:   p_j ~ 1 / (mu - f_j)

Rows [B, N]; a masked negative has no share, and its delta is 0.
"""

from typing import Literal

import torch
from torch import Tensor

from negbench.parts.losses.functions import count_unmasked, masked_score, over_negatives
from negbench.protocol import Mask, Rows, Scores

Ball = Literal["p_u", "u_p"]
HALVINGS = 32
TINY = 1e-30
WIDE = (-15.0, 40.0)
"""Logs of 1 / lambda, or of the range over mu - max f, between which bisection searches."""


def delta_from_logits(logits: Scores, mask: Mask | None = None) -> Scores:
    """delta [B, N] of p = softmax(logits [B, N])."""
    if mask is not None:
        logits = logits.masked_fill(~mask, masked_score(logits.dtype))
    count = count_unmasked(logits, mask).clamp(min=1)
    delta = logits.log_softmax(1) + count.log().reshape(-1, 1)
    return delta if mask is None else delta.masked_fill(~mask, 0.0)


def kl_divergences(delta: Scores, mask: Mask | None = None) -> dict[Ball, Rows]:
    """KL(p || u) and KL(u || p) of each row, [B] each."""
    return {
        "p_u": over_negatives(delta.exp() * delta, None, mask),
        "u_p": -over_negatives(delta, None, mask),
    }


@torch.no_grad()
def worst_case_delta(z: Scores, eta: float, ball: Ball, mask: Mask | None = None) -> Scores:
    """delta [B, N] of the p in the ball with the greatest sum_j p_j e^{z_j}, z [B, N].

    At eta 0 p is uniform. Where eta is more than any p can reach, p is even over the best scored.
    """
    if eta == 0 or not z.shape[1]:
        return torch.zeros_like(z)
    below = _below(z, mask)
    logits = _tilted if ball == "p_u" else _hyperbolic
    low, high = (z.new_full((len(z), 1), edge) for edge in WIDE)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        inside = kl_divergences(delta_from_logits(logits(below, middle), mask), mask)[ball] <= eta
        inside = inside.unsqueeze(1)
        low, high = middle.where(inside, low), high.where(inside, middle)
    return delta_from_logits(logits(below, low), mask)


def _below(z: Tensor, mask: Tensor | None) -> Tensor:
    """How far f_j is below the row's best, in units of the row's range: 0 to 1."""
    if mask is not None:
        z = z.masked_fill(~mask, masked_score(z.dtype))
    below = -(z - z.amax(1, keepdim=True)).expm1()  # p does not depend on the scale of f
    if mask is not None:
        below = below.masked_fill(~mask, 0.0)
    return below / below.amax(1, keepdim=True).clamp(min=TINY)


def _tilted(below: Tensor, sharpness: Tensor) -> Tensor:
    return -below * sharpness.exp()


def _hyperbolic(below: Tensor, sharpness: Tensor) -> Tensor:
    return -(below + (-sharpness).exp()).log()
