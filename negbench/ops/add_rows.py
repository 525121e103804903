"""Rows added at their ids into a table, in place: repeated ids add up."""

import torch.nn.functional as F

from negbench.ops import row_kernels
from negbench.ops.axes import AnyShape, ItemVectors


def add_rows(
    into: ItemVectors,
    ids: AnyShape,
    rows: AnyShape,
    scale: float = 0.0,
    others: AnyShape | None = None,
) -> None:
    """into[ids] += rows + scale * others: ids [...], rows and others [..., D], into [R, D].

    Raises IndexError for an id out of range.
    """
    ids, rows = ids.reshape(-1), rows.reshape(-1, into.shape[1])
    more = rows if others is None else others.reshape(-1, into.shape[1])
    scale = 0.0 if others is None else scale
    if row_kernels.applies(into, rows, more):
        row_kernels.run("add_rows", into, ids.contiguous(), rows, scale, more)
    else:
        into.index_add_(0, ids, rows.add(more, alpha=scale) if scale else rows)


def add_own_rows(into: ItemVectors, ids: AnyShape, scale: float, table: ItemVectors) -> None:
    """into[ids] += scale * table[ids]: ids [...], into and table [R, D].

    Raises IndexError for an id out of range.
    """
    ids = ids.reshape(-1)
    if row_kernels.applies(into, table):
        row_kernels.run("add_own_rows", into, ids.contiguous(), scale, table)
    else:
        into.index_add_(0, ids, F.embedding(ids, table) * scale)
