"""Uniformity: how evenly unit vectors lie on the sphere, by a Gaussian potential between rows.

    S(X) = sum_{a < b} k_ab,   k_ab = e^{-2 |x_a - x_b|^2} = e^{4 <x_a, x_b> - 4}
    over pairs     lu = log( S / (B (B - 1) / 2) )
    over entries   lu = log( (S + e^{-4} B (B + 1) / 2) / B^2 )

The first is the measure of Wang & Isola, "Understanding Contrastive Representation Learning through
Alignment and Uniformity on the Hypersphere", ICML 2020. The second is a mean over all entries of a
matrix of products whose upper triangle is 0: flatter, for half of the entries are the constant
e^{-4}. Both range from -8 (every pair antipodal, for the first) to 0 (all vectors equal).

Products of rows take the place of differences [B, B, D], and they are formed and forgotten in
blocks of rows, with the gradient 4 sum_b k_ab x_b of S worked out on the way: B D numbers are kept,
not B^2. A block takes the rows from its own on, so each pair is formed once.
"""

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.protocol import Scalar, Vectors

CELLS = 1 << 18
"""Products of rows that are held at once: what stays in a processor's cache."""


def uniformity(vectors: Vectors, over: Literal["pairs", "entries"] = "pairs") -> Scalar:
    """lu of the directions of vectors [B, D]; less is more even.

    One row alone has no pair, and so the value of equal vectors, 0, without a gradient.
    """
    b = len(vectors)
    if b < 2:
        return vectors.sum() * 0
    total: Tensor = _Potential.apply(F.normalize(vectors, dim=1))  # type: ignore[no-untyped-call]
    if over == "pairs":
        return (total / (b * (b - 1) / 2)).log()
    return ((total + math.exp(-4) * b * (b + 1) / 2) / b**2).log()


class _Potential(torch.autograd.Function):
    """S of unit vectors [B, D], with its gradient found in the same pass."""

    @staticmethod
    def forward(ctx: Any, unit: Tensor) -> Tensor:
        """Half the sum over all ordered pairs of different rows."""
        total, gradient = unit.new_zeros(()), torch.zeros_like(unit)
        size = max(1, CELLS // len(unit))
        for start in range(0, len(unit), size):
            rows, rest = unit[start : start + size], unit[start:]
            kernel = ((4 * rows) @ rest.T).sub_(4).exp_()
            own, others = kernel[:, : len(rows)], kernel[:, len(rows) :]
            own.fill_diagonal_(0)
            total += own.sum() / 2 + others.sum()
            gradient[start : start + size].addmm_(kernel, rest)
            gradient[start + size :].addmm_(others.T, rows)
        ctx.save_for_backward(gradient.mul_(4))
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """4 sum_b k_ab x_b for each row a."""
        gradient: Tensor = ctx.saved_tensors[0]
        return grad * gradient
