"""Tables of vectors whose few used rows get their gradients by hand."""

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.step import Batch, Negatives
from negbench.protocol.view import View


class Shape(Protocol):
    """What a table needs of a backbone's Config."""

    @property
    def dim(self) -> int:
        """D."""
        ...

    @property
    def init(self) -> float:
        """Standard deviation of the first vectors."""
        ...


def check(config: Any) -> None:
    """Refuse settings of a backbone that train nothing; raises ValueError."""
    for name in ("dim", "lr", "batch_size", "temperature", "blocks"):
        if not getattr(config, name, 1) > 0:
            raise ValueError(f"`{name}` must be above 0; got {getattr(config, name)}")
    for name in ("l2", "init"):
        if not getattr(config, name) >= 0:
            raise ValueError(f"`{name}` must be 0 or more; got {getattr(config, name)}")


def table(
    rows: int, config: Shape, generator: torch.Generator, device: torch.device
) -> nn.Parameter:
    """A table of normal vectors, drawn on the generator's device and moved to `device`."""
    values = torch.randn(rows, config.dim, generator=generator, device=generator.device)
    return nn.Parameter((values * config.init).to(device))


def gradient(parameter: nn.Parameter) -> Tensor:
    """The gradient's buffer, made once and reused between steps."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def backward(
    parameter: nn.Parameter, l2: float, batch: Batch, view: View, negatives: Negatives, offset: int
) -> None:
    """Scatter the gradients of the leaves and of the L2 penalty into a table [U + I, D].

    The leaves are the table's own rows here (MF); item i stands in row `offset + i`. The penalty is
    l2 / 2 times the squared norms of a row's user, its positive and the mean over its negatives.
    """
    into, table, size = gradient(parameter), parameter.detach(), len(batch)
    leaves = view.leaves
    for ids, leaf in (
        (batch.users, None if leaves is None else leaves.query),
        (batch.items + offset, None if leaves is None else leaves.positive),
    ):
        scatter(into, ids, table, leaf, l2 / size)
    paid = False
    for ids, leaf in () if leaves is None else leaves.rows:
        own = ids is negatives.ids and not paid
        paid |= own
        share = l2 / (len(ids) if negatives.shared else ids.numel()) if own else 0.0
        scatter(into, ids + offset, table, leaf, share)
    if leaves is not None:
        pay(into[offset:], leaves)
    if negatives.ids is not None and not paid and l2:
        each = l2 / (len(negatives.ids) if negatives.shared else negatives.ids.numel())
        decay(into[offset:], table[offset:], negatives.ids, each)


def pay(into: Tensor, leaves: Leaves) -> None:
    """Add what the products with items are owed to the items' gradient [I, D]."""
    for product in leaves.products:
        if (owed := product.owed()) is not None:
            into += owed


def scatter(into: Tensor, ids: Tensor, table: Tensor, leaf: Tensor | None, each: float) -> None:
    """Add leaf.grad + each * row at the rows `ids` of `into` [R, D]."""
    if leaf is not None and leaf.grad is not None:
        # In place: a leaf's gradient is its own, and this is the last that is asked of it.
        add(into, ids, leaf.grad.add_(leaf.detach(), alpha=each) if each else leaf.grad)
    elif each:
        decay(into, table, ids, each)


def add(into: Tensor, ids: Tensor, rows: Tensor) -> None:
    """Add rows [..., D] at the places `ids` [...] of `into` [R, D]."""
    into.index_add_(0, ids.reshape(-1), rows.reshape(-1, into.shape[1]))


def decay(into: Tensor, table: Tensor, ids: Tensor, each: float) -> None:
    """Add each * row at the rows `ids` of `into` [R, D]; where they are many, by their counts."""
    if ids.numel() < len(table):
        add(into, ids, F.embedding(ids, table) * each)
    else:
        times = torch.bincount(ids.reshape(-1), minlength=len(table)).to(table.dtype)
        into.addcmul_(table, times.unsqueeze(1), value=each)


def penalise(into: Tensor, table: Tensor, l2: float, *groups: Tensor) -> None:
    """Add the gradient of the L2 penalty: each group of row ids weighs l2, shared by its rows."""
    for ids in groups if l2 else ():
        decay(into, table, ids, l2 / max(1, ids.numel()))
