"""k-core filtering: drop users and items with fewer than k interactions until none is left."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from negbench.data.features import Features
from negbench.data.fold_in import FOLD_IN, TEST, VALID
from negbench.data.interactions import Csr, Interactions
from negbench.errors import DataError

Mask = NDArray[np.bool_]


def k_core(interactions: Interactions, k: int) -> Interactions:
    """The k-core of a data set: each user and item has at least `k` interactions in it; 0 is off.

    Raises DataError if nothing remains.
    """
    if k <= 0:
        return interactions
    users, items = interactions.users, interactions.items
    kept = np.ones(len(users), bool)
    while True:
        by_user = np.bincount(users[kept], minlength=interactions.n_users)
        by_item = np.bincount(items[kept], minlength=interactions.n_items)
        keep = kept & (by_user[users] >= k) & (by_item[items] >= k)
        if keep.sum() == kept.sum():
            break
        kept = keep
    if not kept.any():
        raise DataError(
            f"{interactions.name}: no user and item have {k} interactions among each other;"
            f" nothing remains, lower --k-core {k}"
        )
    dropped = int((~kept).sum())
    note = f"{k}-core: {dropped:,} of {len(users):,} interactions dropped"
    note += _lost_targets(interactions, kept)
    return _subset(interactions, kept, by_user > 0, by_item > 0, note)


def _lost_targets(data: Interactions, kept: Mask) -> str:
    """How many users of a given split by users lose what is to be ranked, as a clause."""
    if data.part is None or not (data.part == FOLD_IN).any():
        return ""
    ranked = (data.part == VALID) | (data.part == TEST)
    left = np.setdiff1d(data.users[kept], data.users[~ranked & (data.part != FOLD_IN)])
    n = len(np.setdiff1d(left, data.users[ranked & kept]))
    return f"; {n:,} held-out users lose the item to be ranked and are left out" if n else ""


def _subset(data: Interactions, rows: Mask, users: Mask, items: Mask, note: str) -> Interactions:
    """The pairs of `rows` among these users and items, renumbered in their old order."""
    new_user, new_item = np.cumsum(users) - 1, np.cumsum(items) - 1
    return replace(
        data,
        users=new_user[data.users[rows]],
        items=new_item[data.items[rows]],
        n_users=int(users.sum()),
        n_items=int(items.sum()),
        times=None if data.times is None else data.times[rows],
        part=None if data.part is None else data.part[rows],
        user_ids=None if data.user_ids is None else data.user_ids[users],
        item_ids=None if data.item_ids is None else data.item_ids[items],
        item_names=_chosen(data.item_names, items),
        item_texts=_chosen(data.item_texts, items),
        user_features=_columns(data.user_features, users),
        item_features=_columns(data.item_features, items),
        truth=_cells(data.truth, users, items),
        judged=_cells(data.judged, users, items),
        disliked=_cells(data.disliked, users, items),
        disliked_times=_times(data.disliked, data.disliked_times, users, items),
        unchosen=_cells(data.unchosen, users, items),
        unchosen_times=_times(data.unchosen, data.unchosen_times, users, items),
        notes=(*data.notes, note),
    )


def _chosen(texts: tuple[str, ...] | None, items: Mask) -> tuple[str, ...] | None:
    if texts is None:
        return None
    return tuple(text for text, keep in zip(texts, items, strict=True) if keep)


def _columns(features: Features | None, kept: Mask) -> Features | None:
    return None if features is None else features.take(np.flatnonzero(kept))


def _cells(cells: Csr | None, users: Mask, items: Mask) -> Csr | None:
    if cells is None:
        return None
    inside = users[cells.rows] & items[cells.indices]
    return Csr.of(
        (np.cumsum(users) - 1)[cells.rows[inside]],
        (np.cumsum(items) - 1)[cells.indices[inside]],
        n_rows=int(users.sum()),
        n_columns=int(items.sum()),
    )


def _times(
    cells: Csr | None, times: NDArray[np.float64] | None, users: Mask, items: Mask
) -> NDArray[np.float64] | None:
    """The times of those cells that are kept, in their order."""
    if cells is None or times is None:
        return None
    return times[users[cells.rows] & items[cells.indices]]
