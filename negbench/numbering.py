"""From rows to `Interactions`: ratings below dropped, pairs made unique, ids counted from 0."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.errors import DataError
from negbench.interactions import Interactions, Order
from negbench.rows import Rows

Mask = NDArray[np.bool_]


def numbered(
    rows: Rows,
    *,
    name: str,
    order: Order | None = None,
    min_rating: float | None = None,
    part: NDArray[np.int8] | None = None,
    source: str = "",
    licence: str = "",
    notes: tuple[str, ...] = (),
) -> Interactions:
    """Number users and items in order of first appearance; every row dropped is said in `notes`.

    `order` None means by time where there are times, else none.
    """
    users, user_ids = pd.factorize(rows.users)
    items, item_ids = pd.factorize(rows.items)
    keep, said = _well_rated(rows, min_rating)
    keep, dropped = _unique(users, items, len(item_ids), rows.times, keep)
    if not keep.any():
        raise DataError(f"{name}: no interaction is left ({'; '.join((*said, *dropped))})")
    users, user_kept = pd.factorize(users[keep])
    items, item_kept = pd.factorize(items[keep])
    return Interactions(
        name=name,
        users=users.astype(np.int64),
        items=items.astype(np.int64),
        n_users=len(user_kept),
        n_items=len(item_kept),
        times=None if rows.times is None else rows.times[keep],
        order=order or ("none" if rows.times is None else "time"),
        part=None if part is None else part[keep],
        user_ids=np.asarray(user_ids[user_kept], object),
        item_ids=np.asarray(item_ids[item_kept], object),
        source=source,
        licence=licence,
        notes=(*rows.notes, *said, *dropped, *notes),
    )


def _well_rated(rows: Rows, least: float | None) -> tuple[Mask, tuple[str, ...]]:
    everything = np.ones(len(rows), bool)
    if rows.ratings is None:
        return everything, ()
    if least is None:
        return everything, ("every row counts as a positive, whatever its rating",)
    keep = rows.ratings >= least
    gone = len(keep) - int(keep.sum())
    return keep, (f"{gone:,} of {len(keep):,} rows rated below {least:g} dropped",)


def _unique(
    users: NDArray[np.intp],
    items: NDArray[np.intp],
    n_items: int,
    times: NDArray[np.float64] | None,
    keep: Mask,
) -> tuple[Mask, tuple[str, ...]]:
    """Keep each pair once: its earliest row, or its first in the file."""
    at = np.flatnonzero(keep)
    keys = users[at].astype(np.int64) * n_items + items[at]
    by = np.lexsort((keys,) if times is None else (times[at], keys))  # stable: ties stay in order
    again = np.zeros(len(at), bool)
    again[by[1:]] = keys[by[1:]] == keys[by[:-1]]
    if not again.any():
        return keep, ()
    kept = keep.copy()
    kept[at[again]] = False
    which = "first" if times is None else "earliest"
    return kept, (f"{int(again.sum()):,} repeated (user, item) rows dropped, the {which} kept",)
