"""Dot products with items whose gradient to the items is computed later, where it is needed.

Autograd is left with the scores [B, N]: a leaf `slopes` stands for the products, and its gradient
is that of the loss by them. The items' gradient is a sum of queries with these slopes as weights,
which a backbone adds to its own gradient after the backward pass.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from negbench.ops import row_kernels
from negbench.ops.axes import Ids, ItemVectors, Rows, Scores, Vectors
from negbench.ops.sampled_dot import (
    compiled_dot,
    directions,
    is_compiled,
    sampled_dot,
    scatter_to_items,
    weighted_item_sum,
)

FEW = 4
"""Up to so many draws a row one loop is faster than `embedding_bag` and a pass after it."""


class ItemGradient(Protocol):
    """A gradient of item vectors."""

    @property
    def ids(self) -> Ids | None:
        """The items that it reaches, [...]; None where it may reach any."""
        ...

    def add_to(self, into: ItemVectors, scale: float = 1.0) -> None:
        """Add it, times `scale`, to `into` [I, D], which is contiguous."""
        ...


class DeferredDot(Protocol):
    """What is kept of dot products of queries with items of their own."""

    @property
    def ids(self) -> Ids:
        """The items of each row, [B, N]."""
        ...

    @property
    def slopes(self) -> Scores:
        """Stands for the products, [B, N]: its gradient is that of the loss by them."""
        ...

    def item_gradient(self) -> ItemGradient | None:
        """The items' gradient; None where the loss has not reached the products."""
        ...


def deferred_dot(
    query: Vectors, ids: Ids, items: ItemVectors, *, unit: bool = False
) -> tuple[Scores, DeferredDot]:
    """<query of b, item ids[b, n]> with gradient to the query, and what is kept for the items.

    query [B, D], items [I, D], ids [B, N] -> [B, N]; with `unit` the items' directions are taken.
    Its gradient is of the first order alone: one of that raises RuntimeError.
    """
    if is_compiled(query, items, ids):
        _, scores, product = _compiled(query, None, ids, items, unit=unit)
        return scores, product
    slopes, items = query.new_zeros(ids.shape).requires_grad_(), items.detach()
    rows, lengths = directions(items) if unit else (items, None)
    scores = _Sampled.apply(query, rows, ids, slopes)  # type: ignore[no-untyped-call]
    return scores, SampledDot(ids, slopes, query.detach(), rows, lengths)


def deferred_dots(
    query: Vectors, positive: Vectors, ids: Ids, items: ItemVectors, *, unit: bool = False
) -> tuple[Rows, Scores, DeferredDot]:
    """<query of b, positive of b> [B], with gradient to both, and what `deferred_dot` returns.

    By compiled loops, of what `is_compiled`: autograd sees one function of all scores of a step.
    """
    return _compiled(query, positive, ids, items, unit=unit)


def _compiled(
    query: Vectors, positive: Vectors | None, ids: Ids, items: ItemVectors, *, unit: bool
) -> tuple[Any, Scores, "CompiledDot"]:
    slopes, items = query.new_zeros(ids.shape).requires_grad_(), items.detach()
    inverse = query.new_empty(ids.shape) if unit else None
    s_pos, scores = _Compiled.apply(query, positive, items, ids, slopes, inverse)  # type: ignore[no-untyped-call]
    cosines = None if inverse is None else Cosines(scores.detach(), inverse)
    return s_pos, scores, CompiledDot(ids, slopes, query.detach(), items, cosines)


@dataclass(frozen=True, eq=False)
class SampledDot:
    """By torch's sampled product; the gradient is one of every item."""

    ids: Ids
    slopes: Scores
    query: Vectors
    """The query vectors, [B, D]."""
    items: ItemVectors
    """The item vectors, [I, D], or their directions."""
    lengths: Tensor | None
    """The lengths of the item vectors, [I, 1], where `items` are directions."""

    def item_gradient(self) -> "DenseGradient | None":
        """That of every item; None where the loss has not reached the products."""
        slopes = self.slopes.grad
        if slopes is None:
            return None
        gradient = scatter_to_items(self.ids, slopes, self.query, len(self.items))
        if self.lengths is not None:  # the gradient of a direction is orthogonal to it
            along = (gradient * self.items).sum(1, keepdim=True)
            gradient.addcmul_(self.items, along, value=-1).div_(self.lengths)
        return DenseGradient(gradient)


@dataclass(frozen=True, eq=False)
class DenseGradient:
    """The gradient of every item, [I, D]."""

    values: ItemVectors
    ids: None = None

    def add_to(self, into: ItemVectors, scale: float = 1.0) -> None:
        """Add it, times `scale`, to `into` [I, D]."""
        into.add_(self.values, alpha=scale)


@dataclass(frozen=True, eq=False)
class Cosines:
    """Products with directions, and 1 / length of each item: [B, N] both."""

    scores: Scores
    inverse: Scores


@dataclass(frozen=True, eq=False)
class CompiledDot:
    """By compiled loops; the gradient reaches the rows of the scored items alone."""

    ids: Ids
    slopes: Scores
    query: Vectors
    """The query vectors, [B, D]."""
    items: ItemVectors
    """The item vectors, [I, D]."""
    cosines: Cosines | None

    def item_gradient(self) -> "RowsGradient | None":
        """That of the scored items; None where the loss has not reached the products."""
        slopes, cosines = self.slopes.grad, self.cosines
        if slopes is None:
            return None
        if cosines is None:
            return RowsGradient(self.ids, slopes, self.query)
        # Of s = <q, v> / |v| by v: q / |v| - s v / |v|^2.
        weights = slopes * cosines.inverse
        along = -weights * cosines.scores * cosines.inverse
        return RowsGradient(self.ids, weights, self.query, along, self.items)


@dataclass(frozen=True, eq=False)
class RowsGradient:
    """sum over (b, n) with ids[b, n] = i of weights[b, n] query b + along[b, n] item i."""

    ids: Ids
    weights: Scores
    query: Vectors
    along: Scores | None = None
    items: ItemVectors | None = None

    def add_to(self, into: ItemVectors, scale: float = 1.0) -> None:
        """Add it, times `scale`, to the rows `ids` of `into` [I, D], which is contiguous."""
        ids, weights = self.ids.contiguous(), self.weights.contiguous()
        if self.along is None or self.items is None:
            row_kernels.run("add_products", into, ids, weights, self.query, scale)
        else:
            along = self.along.contiguous()
            both = (weights, self.query, along, self.items)
            row_kernels.run("add_two_products", into, ids, *both, scale)


class _Sampled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor, ids: Tensor, slopes: Tensor) -> Tensor:
        ctx.save_for_backward(items, ids)
        return sampled_dot(query, items, ids)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        items, ids = ctx.saved_tensors
        return weighted_item_sum(items, ids, slopes), None, None, slopes


class _Compiled(torch.autograd.Function):
    """With `inverse` [B, N], which it fills, products with directions."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        positive: Tensor | None,
        items: Tensor,
        ids: Tensor,
        slopes: Tensor,
        inverse: Tensor | None,
    ) -> tuple[Tensor | None, Tensor]:
        ctx.save_for_backward(query, positive, items, ids, inverse)
        ctx.set_materialize_grads(False)
        s_pos = None
        if positive is not None:
            s_pos = query.new_empty(len(query))
            row_kernels.run("paired_dots", query, positive, s_pos)
        return s_pos, compiled_dot(query, items, ids, inverse)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_pos: Tensor | None, of_neg: Tensor | None) -> tuple[Any, ...]:
        query, positive, items, ids, inverse = ctx.saved_tensors
        weights = of_neg if of_neg is None or inverse is None else of_neg * inverse
        if of_pos is None:
            to_query = None if weights is None else weighted_item_sum(items, ids, weights)
            return to_query, None, None, None, of_neg, None
        of_pos, to_positive = of_pos.contiguous(), torch.empty_like(query)
        if weights is not None and ids.shape[1] <= FEW:
            to_query = torch.empty_like(query)
            slopes = (of_pos, weights.contiguous(), query, positive, items, ids.contiguous())
            row_kernels.run("row_slopes", *slopes, to_query, to_positive)
            return to_query, to_positive, None, None, of_neg, None
        if weights is None:
            to_query = torch.zeros_like(query)
        else:
            to_query = weighted_item_sum(items, ids, weights)
        row_kernels.run("paired_slopes", of_pos, query, positive, to_query, to_positive)
        return to_query, to_positive, None, None, of_neg, None
