"""Tensors cut from autograd in a step, and the gradients that they have received."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from torch import Tensor

from negbench.ops.sampled_dot import Product


@dataclass(eq=False)
class Leaves:
    """The rows that were handed out with gradient in this step: the backbone's list of debts."""

    rows: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(ids [...], item rows [..., D])."""
    products: list[Product] = field(default_factory=list)
    """Products with items whose rows were never made."""
    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(ids [...], item layer rows [..., L, D])."""
    query: Tensor | None = None
    positive: Tensor | None = None
    query_layers: Tensor | None = None
    dots: int = 0
    """How many items were scored for rows: dot products of width D."""
    pooled: int = 0
    """How many of these were with items that all rows share: one dense product."""
    behind: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """(what it was cut from, leaf), where the backbone carries on by a graph of its own."""


def gradients(leaves: Iterable[tuple[Tensor, Tensor | None]]) -> Iterator[tuple[Tensor, Tensor]]:
    """The leaves that the loss has reached, with what they are owed."""
    for ids, leaf in leaves:
        if leaf is not None and leaf.grad is not None:
            yield ids, leaf.grad
