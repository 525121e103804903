"""The rows that a user's own training loop gives: their shapes, their ids, and which count."""

import torch

from negbench.ops.axes import ItemVectors, Mask, Rows, Vectors


def check_shapes(
    query: Vectors,
    items: ItemVectors,
    users: Rows,
    positives: Rows,
    mask: Mask | None,
    n_items: int,
) -> None:
    """Check query [B, D], items [I, D], users [B], positives [B] and mask [B].

    Raises ValueError where a shape is another, or the mask is not bool.
    """
    rows = len(users)
    if users.dim() != 1 or query.shape != (rows, items.shape[1]) or positives.shape != (rows,):
        raise ValueError(
            f"`query` must be [B, D], `users` and `positives` [B]; got {list(query.shape)}, "
            f"{list(users.shape)} and {list(positives.shape)} with items {list(items.shape)}"
        )
    if len(items) != n_items:
        raise ValueError(
            f"`items` must hold every item's vector, [{n_items}, D]; got {list(items.shape)}"
        )
    if mask is not None and (mask.shape != (rows,) or mask.dtype != torch.bool):
        raise ValueError(
            f"`mask` must be bool, [{rows}], True for the rows that count; got {mask.dtype}, "
            f"{list(mask.shape)}"
        )


def counted(positives: Rows, mask: Rows | None, ignore_index: int | None) -> Rows | None:
    """Which rows count, [B]: those of the mask whose positive is not `ignore_index`; None: all."""
    if ignore_index is None:
        return mask
    known = positives != ignore_index
    return known if mask is None else mask & known


LEFT_OUT = "leave rows out by `mask` [B], or by their positive's id as attach(ignore_index=...)"


def checked_ids(ids: Rows, size: int, name: str = "positives", remedy: str = LEFT_OUT) -> Rows:
    """The ids as int64; one number is read, so a GPU is waited for.

    Raises ValueError for ids that are no integers or lie outside 0..size - 1: one below 0 would
    count from the end, in silence.
    """
    if ids.is_floating_point() or ids.dtype == torch.bool:
        raise ValueError(f"`{name}` must be integer ids; got {ids.dtype}")
    wrong = ids[(ids < 0) | (ids >= size)]
    if len(wrong):
        raise ValueError(f"`{name}` must lie in 0..{size - 1}; got {int(wrong[0])}; {remedy}")
    return ids.long()
