"""Tensors cut from autograd in a step, and the gradients that they have received."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from negbench.ops.axes import (
    AnyShape,
    ItemVectors,
    LayerVectors,
    Rows,
    UserVectors,
    Vectors,
)
from negbench.ops.deferred_dot import DeferredDot, DenseGradient, ItemGradient


class ByIds(Protocol):
    """Rows by their ids: a tensor, or an object that computes them on access."""

    def __getitem__(self, ids: Tensor, /) -> Tensor:
        """[...] -> [..., *]."""
        ...


class CutLayers:
    """Layers that are computed on access, cut from autograd: what is read is a leaf."""

    def __init__(self, layers: ByIds, leaves: list[tuple[Tensor, Tensor]]) -> None:
        """Of a backbone's layers; each read adds (ids, its leaf) to `leaves`."""
        self.layers, self.leaves = layers, leaves

    def __getitem__(self, ids: AnyShape) -> AnyShape:
        """ids [...] -> [..., L, D]; without gradient no leaf."""
        with torch.no_grad():
            rows = self.layers[ids].detach()
        if torch.is_grad_enabled():
            self.leaves.append((ids, rows.requires_grad_()))
        return rows


@dataclass(eq=False)
class Leaves:
    """Tensors cut from autograd in this step; `Backbone.backward` reads their gradients.

    Parts differentiate through them; a leaf that the loss has not reached has no gradient and is
    left out of every list of gradients.
    """

    query: Vectors | None = None
    positive: Vectors | None = None
    query_layers: LayerVectors | None = None
    items: ItemVectors | None = None
    """All item vectors, [I, D]: their gradient is dense, and made only where a loss reaches it."""
    users: UserVectors | None = None
    """All user vectors, [U, D], likewise."""
    item_layers: ByIds | None = None
    """The item vectors at every layer: a leaf [I, L, D], or `CutLayers`."""
    rows: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(ids [...], item vectors [..., D])."""
    penalised: int | None = None
    """Place in `rows` of the step's negatives: their vectors bear the L2 penalty."""
    products: list[DeferredDot] = field(default_factory=list)
    """Dot products with items whose vectors were never gathered."""
    in_place: bool = False
    """Whether the backbone adds `table_gradients` to its own in place: then few draws a row too are
    scored without gathering, by compiled loops."""
    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(ids [...], item vectors at every layer [..., L, D])."""
    upstream: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(output of the backbone's own autograd graph, the leaf cut from it)."""

    def reached(self) -> bool:
        """Whether the loss has sent a gradient to any of them; without one the model rests."""
        of_rows = (leaf for _, leaf in (*self.rows, *self.layers, *self.upstream))
        slopes = (product.slopes for product in self.products)
        leaves = (self.query, self.positive, self.query_layers, *of_rows, *slopes)
        tables = (self.items, self.users, self.item_layers)
        return any(isinstance(x, Tensor) and x.grad is not None for x in (*leaves, *tables))

    def cut(
        self, items: ItemVectors, users: UserVectors | None, layers: ByIds | None
    ) -> tuple[ItemVectors, UserVectors | None, ByIds | None]:
        """The backbone's tables as leaves: items [I, D], users [U, D] and the items' layers.

        So a part may index them itself. Nothing is copied.
        """
        self.items = items.detach().requires_grad_()
        self.users = None if users is None else users.detach().requires_grad_()
        if isinstance(layers, Tensor):
            self.item_layers = layers.detach().requires_grad_()
        elif layers is not None:
            self.item_layers = CutLayers(layers, self.layers)
        return self.items, self.users, self.item_layers

    def add_rows(self, ids: AnyShape, vectors: AnyShape, *, penalised: bool = False) -> None:
        """Register item vectors [..., D] of ids [...]; the first penalised ones bear the L2."""
        if penalised and self.penalised is None:
            self.penalised = len(self.rows)
        self.rows.append((ids, vectors))

    def item_gradients(self, positives: Rows) -> Iterator[tuple[AnyShape, AnyShape]]:
        """(item ids [...], gradient [..., D]) of the positives and of all registered rows."""
        return _received([(positives, self.positive), *self.rows])

    def user_gradients(self, users: Rows) -> Iterator[tuple[Rows, Vectors]]:
        """(user ids [n], gradient [n, D]) of the queries, where users have vectors, and of all
        users where the loss has reached their table."""
        return _received([(users, self.query), *_whole(self.users)])

    def table_gradients(self) -> Iterator[ItemGradient]:
        """Gradients that know their items: of each deferred dot product, and of the table."""
        if self.items is not None and self.items.grad is not None:
            yield DenseGradient(self.items.grad)
        for product in self.products:
            if (gradient := product.item_gradient()) is not None:
                yield gradient

    def add_item_gradients(self, into: ItemVectors) -> None:
        """Add the `table_gradients` to `into` [I, D]."""
        for gradient in self.table_gradients():
            gradient.add_to(into)

    def layer_gradients(self, users: Rows, offset: int) -> Iterator[tuple[AnyShape, AnyShape]]:
        """(node ids [...], gradient [..., L, D]); items come `offset` nodes after the users."""
        table = self.item_layers if isinstance(self.item_layers, Tensor) else None
        items = [(offset + ids, vectors) for ids, vectors in (*self.layers, *_whole(table))]
        return _received([(users, self.query_layers), *items])

    def backward_upstream(self) -> None:
        """Send the gradients of leaves cut from a graph through it, in one backward pass."""
        reached = [(output, leaf.grad) for output, leaf in self.upstream if leaf.grad is not None]
        if reached:
            outputs, gradients = zip(*reached, strict=True)
            torch.autograd.backward(list(outputs), list(gradients))


def _whole(table: Tensor | None) -> list[tuple[Tensor, Tensor]]:
    """(every id, table) of a table that the loss has reached."""
    if table is None or table.grad is None:
        return []
    return [(torch.arange(len(table), device=table.device), table)]


def _received(
    leaves: Iterable[tuple[Tensor, Tensor | None]],
) -> Iterator[tuple[Tensor, Tensor]]:
    """(ids, gradient) of the leaves that the loss has reached."""
    for ids, leaf in leaves:
        if leaf is not None and leaf.grad is not None:
            yield ids, leaf.grad
