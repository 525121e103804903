"""Tensors cut from autograd in a step, and the gradients that they have received."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from negbench.ops.axes import AnyShape, ItemVectors, LayerVectors, Rows, Vectors
from negbench.ops.sampled_dot import SampledDot


@dataclass(eq=False)
class Leaves:
    """Tensors cut from autograd in this step; `Backbone.backward` reads their gradients.

    Parts differentiate through them; a leaf that the loss has not reached has no gradient and is
    left out of every list of gradients.
    """

    query: Vectors | None = None
    positive: Vectors | None = None
    query_layers: LayerVectors | None = None
    rows: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(ids [...], item vectors [..., D])."""
    penalised: int | None = None
    """Place in `rows` of the step's negatives: their vectors bear the L2 penalty."""
    products: list[SampledDot] = field(default_factory=list)
    """Dot products with items whose vectors were never gathered."""
    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(ids [...], item vectors at every layer [..., L, D])."""
    upstream: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(output of the backbone's own autograd graph, the leaf cut from it)."""

    def reached(self) -> bool:
        """Whether the loss has sent a gradient to any of them; without one the model rests."""
        of_rows = (leaf for _, leaf in (*self.rows, *self.layers, *self.upstream))
        slopes = (product.slopes for product in self.products)
        leaves = (self.query, self.positive, self.query_layers, *of_rows, *slopes)
        return any(leaf is not None and leaf.grad is not None for leaf in leaves)

    def add_rows(self, ids: AnyShape, vectors: AnyShape, *, penalised: bool = False) -> None:
        """Register item vectors [..., D] of ids [...]; the first penalised ones bear the L2."""
        if penalised and self.penalised is None:
            self.penalised = len(self.rows)
        self.rows.append((ids, vectors))

    def item_gradients(self, positives: Rows) -> Iterator[tuple[AnyShape, AnyShape]]:
        """(item ids [...], gradient [..., D]) of the positives and of all registered rows."""
        return _received([(positives, self.positive), *self.rows])

    def user_gradients(self, users: Rows) -> Iterator[tuple[Rows, Vectors]]:
        """(user ids [B], gradient [B, D]) of the queries, where users have vectors."""
        return _received([(users, self.query)])

    def dense_item_gradients(self) -> Iterator[ItemVectors]:
        """Gradients [I, D] of all items, one for each sampled dot product."""
        gradients = (product.item_gradient() for product in self.products)
        return (gradient for gradient in gradients if gradient is not None)

    def add_item_gradients(self, into: ItemVectors) -> None:
        """Add the deferred item gradients of all sampled dot products to `into` [I, D]."""
        for gradient in self.dense_item_gradients():
            into += gradient

    def layer_gradients(self, users: Rows, offset: int) -> Iterator[tuple[AnyShape, AnyShape]]:
        """(node ids [...], gradient [..., L, D]); items come `offset` nodes after the users."""
        items = [(offset + ids, vectors) for ids, vectors in self.layers]
        return _received([(users, self.query_layers), *items])

    def backward_upstream(self) -> None:
        """Send the gradients of leaves cut from a graph through it, in one backward pass."""
        reached = [(output, leaf.grad) for output, leaf in self.upstream if leaf.grad is not None]
        if reached:
            outputs, gradients = zip(*reached, strict=True)
            torch.autograd.backward(list(outputs), list(gradients))


def _received(
    leaves: Iterable[tuple[Tensor, Tensor | None]],
) -> Iterator[tuple[Tensor, Tensor]]:
    """(ids, gradient) of the leaves that the loss has reached."""
    for ids, leaf in leaves:
        if leaf is not None and leaf.grad is not None:
            yield ids, leaf.grad
