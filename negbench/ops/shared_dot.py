"""Dot products with items that all rows share, some of which take no gradient.

Of those no gradient is computed: with a memory bank of several batches that is a third of the
matrix products of a step. Same numbers within rounding as one product with all of them.
"""

from typing import Any

import torch
from torch import Tensor

from negbench.ops.axes import PoolScores, PoolVectors, Vectors


def shared_dot(query: Vectors, learnt: PoolVectors, fixed: PoolVectors) -> PoolScores:
    """<query of b, vector k>: query [B, D], learnt [K, D] and fixed [M, D] -> [B, K + M].

    With gradient to the query and to `learnt`.
    """
    scores: PoolScores = _SharedDot.apply(query, learnt, fixed.detach())  # type: ignore[no-untyped-call]
    return scores


class _SharedDot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, learnt: Tensor, fixed: Tensor) -> Tensor:
        ctx.save_for_backward(query, learnt, fixed)
        return query @ torch.cat([learnt, fixed]).T

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        query, learnt, fixed = ctx.saved_tensors
        to_query, to_learnt, _ = ctx.needs_input_grad
        by_query = slopes[0] @ torch.cat([learnt, fixed]) if to_query else None
        return by_query, slopes[0][:, : len(learnt)].T @ query if to_learnt else None, None
