"""How much each negative counts, as a distribution p over a row's N negatives: delta = log(N p).

    sum_j e^{delta_j} = N,   KL(u || p) = -mean_j delta_j,   KL(p || u) = mean_j e^{delta_j} delta_j

u is uniform. Within a ball of radius eta around u the p that raises sum_j p_j f_j the most,
f_j = e^{z_j}, has a closed form in one number, found by bisection:

    KL(p || u) <= eta:   p_j ~ e^{f_j / lambda}          KL(u || p) <= eta:   p_j ~ 1 / (mu - f_j)

Rows [B, N]; a masked negative has no share, and its delta is 0.
"""

from typing import Literal

import torch
from torch import Tensor

from negbench.parts.losses.functions import how_many, never, over_negatives

Ball = Literal["p_u", "u_p"]
HALVINGS = 32
TINY = 1e-30
WIDE = (-15.0, 40.0)
"""Logs of 1 / lambda, or of the range over mu - max f, between which the answer is sought."""


def delta_of(logits: Tensor, mask: Tensor | None = None) -> Tensor:
    """delta [B, N] of p = softmax(logits [B, N])."""
    if mask is not None:
        logits = logits.masked_fill(~mask, never(logits.dtype))
    count = how_many(logits, mask).clamp(min=1)
    delta = logits.log_softmax(1) + count.log().reshape(-1, 1)
    return delta if mask is None else delta.masked_fill(~mask, 0.0)


def kl_of(delta: Tensor, mask: Tensor | None = None) -> dict[Ball, Tensor]:
    """KL(p || u) and KL(u || p) of each row, [B] each."""
    return {
        "p_u": over_negatives(delta.exp() * delta, None, mask),
        "u_p": -over_negatives(delta, None, mask),
    }


@torch.no_grad()
def worst(z: Tensor, eta: float, ball: Ball, mask: Tensor | None = None) -> Tensor:
    """delta [B, N] of the p that raises sum_j p_j e^{z_j} the most, z [B, N]; uniform at eta 0.

    Where eta is more than any p can reach, p is even over the best scored.
    """
    if eta == 0 or not z.shape[1]:
        return torch.zeros_like(z)
    below = _below(z, mask)
    logits = _tilted if ball == "p_u" else _hyperbolic
    low, high = (z.new_full((len(z), 1), edge) for edge in WIDE)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        inside = (kl_of(delta_of(logits(below, middle), mask), mask)[ball] <= eta).unsqueeze(1)
        low, high = middle.where(inside, low), high.where(inside, middle)
    return delta_of(logits(below, low), mask)


def _below(z: Tensor, mask: Tensor | None) -> Tensor:
    """How far f_j is below the row's best, in units of the row's range: 0 to 1."""
    if mask is not None:
        z = z.masked_fill(~mask, never(z.dtype))
    below = -(z - z.amax(1, keepdim=True)).expm1()  # p does not depend on the scale of f
    if mask is not None:
        below = below.masked_fill(~mask, 0.0)
    return below / below.amax(1, keepdim=True).clamp(min=TINY)


def _tilted(below: Tensor, sharpness: Tensor) -> Tensor:
    return -below * sharpness.exp()


def _hyperbolic(below: Tensor, sharpness: Tensor) -> Tensor:
    return -(below + (-sharpness).exp()).log()
