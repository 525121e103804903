"""Embedding tables: only the rows used in a step get gradients, scattered without autograd."""

from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import nn

from negbench.ops.axes import AnyShape, ItemVectors
from negbench.plugins.config_ranges import check_ranges
from negbench.protocol.gradient_leaves import Leaves
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
    return nn.Parameter((values * config.init).to(device))


def gradient(parameter: nn.Parameter) -> AnyShape:
    """The gradient buffer of a parameter, allocated once and reused between steps."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def backward(
    parameter: nn.Parameter, l2: float, batch: Batch, view: View, negatives: Negatives, offset: int
) -> None:
    """Scatter the gradients of the leaves and of the L2 penalty into a table [U + I, D].

    The leaves are the table's own rows here (MF); item i is row `offset + i`. The penalty is l2 / 2
    times the squared norms of a row's user, its positive and the mean over its negatives.
    """
    into, table, size = gradient(parameter), parameter.detach(), len(batch)
    leaves = Leaves() if view.leaves is None else view.leaves
    scatter(into, batch.users, table, leaves.query, l2 / size)
    scatter(into, batch.items + offset, table, leaves.positive, l2 / size)
    for place, (ids, leaf) in enumerate(leaves.rows):
        each = l2 / max(1, ids.numel()) if place == leaves.penalised else 0.0
        scatter(into, ids + offset, table, leaf, each)
    leaves.add_item_gradients(into[offset:])
    if leaves.users is not None and leaves.users.grad is not None:
        into[:offset] += leaves.users.grad
    if negatives.ids is not None and leaves.penalised is None and l2:
        decay(into[offset:], table[offset:], negatives.ids, l2 / max(1, negatives.ids.numel()))


def scatter(
    into: ItemVectors, ids: AnyShape, table: ItemVectors, leaf: AnyShape | None, each: float
) -> None:
    """Add leaf.grad + each * row at the rows `ids` [...] of `into` [R, D]."""
    if leaf is not None and leaf.grad is not None:
        # In place: the leaf's gradient is not read again.
        add(into, ids, leaf.grad.add_(leaf.detach(), alpha=each) if each else leaf.grad)
    elif each:
        decay(into, table, ids, each)


def add(into: ItemVectors, ids: AnyShape, rows: AnyShape) -> None:
    """Add rows [..., D] at the places `ids` [...] of `into` [R, D]."""
    into.index_add_(0, ids.reshape(-1), rows.reshape(-1, into.shape[1]))


def decay(into: ItemVectors, table: ItemVectors, ids: AnyShape, each: float) -> None:
    """Add each * row at the rows `ids` [...] of `into` [R, D]; where they are many, by counts."""
    if ids.numel() < len(table):
        add(into, ids, F.embedding(ids, table) * each)
    else:
        times = torch.bincount(ids.reshape(-1), minlength=len(table)).to(table.dtype)
        into.addcmul_(table, times.unsqueeze(1), value=each)


def penalise(into: ItemVectors, table: ItemVectors, l2: float, *groups: AnyShape) -> None:
    """Add the gradient of the L2 penalty: each group of row ids weighs l2, shared by its rows."""
    for ids in groups if l2 else ():
        decay(into, table, ids, l2 / max(1, ids.numel()))
