"""Embedding tables: only the rows used in a step get gradients, scattered without autograd."""

from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import nn

from negbench.ops.add_rows import add_own_rows, add_rows
from negbench.ops.axes import AnyShape, ItemVectors
from negbench.plugins.config_ranges import check_ranges
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.row_table import RowTable
from negbench.protocol.step import Batch, Negatives
from negbench.protocol.view import View


class Shape(Protocol):
    """The fields of a backbone's Config that shape its table."""

    @property
    def dim(self) -> int:
        """D."""
        ...

    @property
    def init(self) -> float:
        """Standard deviation of the initial vectors."""
        ...


class Settings(Shape, Protocol):
    """The fields of a backbone's Config that the bases of several backbones read."""

    @property
    def l2(self) -> float:
        """Weight of the L2 penalty."""
        ...

    @property
    def similarity(self) -> Literal["dot", "cosine"]:
        """How vectors are scored."""
        ...

    @property
    def temperature(self) -> float:
        """Divides the scores."""
        ...


def check(config: Any) -> None:
    """Check the settings that all backbones share. Raises ValueError where nothing would train."""
    positive = ("dim", "lr", "batch_size", "temperature", "blocks")
    check_ranges(config, above={name: 0 for name in positive if hasattr(config, name)})
    decays = ("l2", "weight_decay")
    check_ranges(config, at_least={name: 0 for name in decays if hasattr(config, name)})
    if not config.init > 0:
        raise ValueError(
            "`init` must be above 0, for where all vectors are 0 so are all gradients of their "
            f"products; got {config.init}"
        )


def table(
    rows: int, config: Shape, generator: torch.Generator, device: torch.device
) -> nn.Parameter:
    """A table of normal vectors, drawn on the generator's device and moved to `device`."""
    values = torch.randn(rows, config.dim, generator=generator, device=generator.device)
    return nn.Parameter(values.mul_(config.init).to(device))


def gradient(parameter: nn.Parameter) -> AnyShape:
    """The gradient buffer of a parameter, allocated once and reused between steps."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def backward(
    table: RowTable, l2: float, batch: Batch, view: View, negatives: Negatives, offset: int
) -> None:
    """Add the gradients of the leaves and of the L2 penalty to those of a table [U + I, D].

    The leaves are the table's own rows here (MF); item i is row `offset + i`. The penalty is l2 / 2
    times the squared norms of a row's user, its positive and the mean over its negatives.
    """
    size, leaves = len(batch), Leaves() if view.leaves is None else view.leaves
    table.begin()
    scatter(table, batch.users, leaves.query, l2 / size)
    scatter(table, batch.items + offset, leaves.positive, l2 / size)
    for place, (ids, leaf) in enumerate(leaves.rows):
        each = l2 / max(1, ids.numel()) if place == leaves.penalised else 0.0
        scatter(table, ids + offset, leaf, each)
    for gradient in leaves.table_gradients():
        reached = None if gradient.ids is None else gradient.ids + offset
        into = table.whole() if reached is None else table.at(reached)
        gradient.add_to(into[offset:])
    if leaves.users is not None and leaves.users.grad is not None:
        table.whole()[:offset].add_(leaves.users.grad)
    if negatives.ids is not None and leaves.penalised is None and l2:
        penalise_rows(table, negatives.ids, l2 / max(1, negatives.ids.numel()), offset)


def scatter(table: RowTable, ids: AnyShape, leaf: AnyShape | None, each: float) -> None:
    """Add leaf.grad + each * row to the gradients of the rows `ids` [...]."""
    if leaf is not None and leaf.grad is not None and not table.by_rows:
        add_rows(table.at(ids), ids, leaf.grad, each, leaf.detach())
    elif leaf is not None and leaf.grad is not None:
        # In place: the leaf's gradient is not read again.
        table.add(ids, leaf.grad.add_(leaf.detach(), alpha=each) if each else leaf.grad)
    elif each:
        penalise_rows(table, ids, each)


def penalise_rows(table: RowTable, ids: AnyShape, each: float, offset: int = 0) -> None:
    """Add each * row to the gradients of the rows `offset + ids`; where they are many, by counts.

    The ids are compared with the rows from `offset` on.
    """
    values = table.parameter.detach()
    few = ids.numel() < len(values) - offset
    if few and table.by_rows:
        table.read(ids + offset)
        table.add(ids + offset, F.embedding(ids + offset, values) * each)
    else:
        table.read()
        into = table.at(ids + offset) if few else table.whole()
        decay(into[offset:], values[offset:], ids, each)


def add(into: ItemVectors, ids: AnyShape, rows: AnyShape) -> None:
    """Add rows [..., D] at the places `ids` [...] of `into` [R, D]."""
    add_rows(into, ids, rows)


def decay(into: ItemVectors, table: ItemVectors, ids: AnyShape, each: float) -> None:
    """Add each * row at the rows `ids` [...] of `into` [R, D]; where they are many, by counts."""
    if ids.numel() < len(table):
        add_own_rows(into, ids, each, table)
    else:
        times = torch.bincount(ids.reshape(-1), minlength=len(table)).to(table.dtype)
        into.addcmul_(table, times.unsqueeze(1), value=each)


def penalise(into: ItemVectors, table: ItemVectors, l2: float, *groups: AnyShape) -> None:
    """Add the gradient of the L2 penalty: each group of row ids weighs l2, shared by its rows."""
    for ids in groups if l2 else ():
        decay(into, table, ids, l2 / max(1, ids.numel()))
