"""Reindex raw rows into `Interactions`: filter by rating, drop duplicates, ids from 0."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data import repeats
from negbench.data.distinct_pairs import distinct_pairs
from negbench.data.interactions import Csr, Interactions, Order
from negbench.data.rating_scale import every_rating_counts
from negbench.data.raw_rows import RawRows
from negbench.data.shared_pairs import notes_of_dropped
from negbench.errors import DataError


def reindex(
    rows: RawRows,
    *,
    name: str,
    order: Order | None = None,
    min_rating: float | None = None,
    rated: bool = True,
    part: NDArray[np.int8] | None = None,
    source: str = "",
    licence: str = "",
    notes: tuple[str, ...] = (),
) -> Interactions:
    """Interactions with users and items numbered in order of first appearance.

    Dropped rows are counted in `notes`; where repeats are kept (see `repeats.py`) each row is an
    interaction. Where nobody `rated` and ratings only tell likes from dislikes, no note speaks of
    them. `order` None means by time where there are times, else none. Raises DataError if
    no interaction is left.
    """
    users, user_ids = pd.factorize(rows.users)
    items, item_ids = pd.factorize(rows.items)
    keep, dropped = _well_rated(rows, min_rating)
    dropped = dropped if rated else ()
    times = None if rows.times is None else rows.times[keep]
    low = np.ones(len(rows), bool)
    low[keep] = False
    low_users, low_items = users[low], items[low]
    low_times = None if rows.times is None else rows.times[low]
    once = keep
    if not repeats.are_kept():
        once = keep[first_of_each_pair(users[keep], items[keep], len(item_ids), times)]
    keys = users.astype(np.int64) * len(item_ids) + items
    dropped += notes_of_dropped(
        keys[keep],
        np.searchsorted(keep, once),
        "first" if times is None else "earliest",
        None if part is None else part[keep],
    )
    keep = once
    if not len(keep):
        raise DataError(f"{name}: no interaction is left ({'; '.join(dropped)})")
    users, user_kept = pd.factorize(users[keep])
    items, item_kept = pd.factorize(items[keep])
    times = None if rows.times is None else rows.times[keep]
    ordered = order or rows.order or ("none" if times is None else "time")
    ties = _ties(users, times) if times is not None and ordered == "time" else ()
    disliked, when = _restricted((low_users, low_items), low_times, (user_kept, item_kept))
    return Interactions(
        name=name,
        users=users.astype(np.int64),
        items=items.astype(np.int64),
        n_users=len(user_kept),
        n_items=len(item_kept),
        times=times,
        order=ordered,
        part=None if part is None else part[keep],
        user_ids=np.asarray(user_ids[user_kept], object),
        item_ids=np.asarray(item_ids[item_kept], object),
        source=source,
        licence=licence,
        notes=(*rows.notes, *dropped, *ties, *notes),
        disliked=disliked if low.any() else None,
        disliked_times=when if low.any() else None,
    )


def _ties(users: NDArray[np.intp], times: NDArray[np.float64]) -> tuple[str, ...]:
    """A note on pairs that times do not order."""
    by = np.lexsort((users, times))
    same = (times[by[1:]] == times[by[:-1]]) & (users[by[1:]] == users[by[:-1]])
    tied = np.zeros(len(times), bool)
    tied[1:] = same
    tied[:-1] |= same
    if not tied.any():
        return ()
    return (
        f"{int(tied.sum()):,} of {len(times):,} pairs have the time of another pair of their user;"
        " the order of the rows decides between them",
    )


def _restricted(
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    times: NDArray[np.float64] | None,
    kept: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> tuple[Csr, NDArray[np.float64] | None]:
    """The pairs whose user and item are kept, with new ids, each once at its earliest time."""
    users, items = (
        pd.Index(old).get_indexer(pd.Index(ids)) for old, ids in zip(kept, pairs, strict=True)
    )
    inside = (users >= 0) & (items >= 0)
    at = None if times is None else times[inside]
    size = {"n_users": len(kept[0]), "n_items": len(kept[1])}
    return distinct_pairs(users[inside], items[inside], at, **size)


def _well_rated(rows: RawRows, least: float | None) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Indices of rows rated at least `least`, and notes."""
    if rows.ratings is None:
        return np.arange(len(rows)), ()
    if least is None:
        return np.arange(len(rows)), every_rating_counts(rows.ratings)
    keep = np.flatnonzero(rows.ratings >= least)
    gone = len(rows) - len(keep)
    return keep, (f"{gone:,} of {len(rows):,} rows rated below {least:g} dropped",)


def first_of_each_pair(
    users: NDArray[np.intp],
    items: NDArray[np.intp],
    n_items: int,
    times: NDArray[np.float64] | None,
) -> NDArray[np.intp]:
    """Deduplicate: indices of each pair's earliest (without times: first) row, in file order."""
    keys = users.astype(np.int64) * n_items + items
    if len(pd.unique(keys)) == len(keys):
        return np.arange(len(keys))
    by = np.lexsort((keys,) if times is None else (times, keys))  # stable: ties keep their order
    repeated = np.zeros(len(keys), bool)
    repeated[by[1:]] = keys[by[1:]] == keys[by[:-1]]
    return np.flatnonzero(~repeated)
