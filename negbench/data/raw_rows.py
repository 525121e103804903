"""Raw rows of a file, before filtering, deduplication and reindexing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.interactions import Order


@dataclass(frozen=True, eq=False)
class RawRows:
    """Columns of a file, one entry per row: raw ids, times in seconds, ratings; and notes."""

    users: pd.Index
    items: pd.Index
    times: NDArray[np.float64] | None = None
    ratings: NDArray[np.float64] | None = None
    """NaN where a rating is missing and none is asked for."""
    notes: tuple[str, ...] = ()
    order: Order | None = None
    """What orders a user's rows, where it is not the times: "rows", or "none" if so asked."""
    history: NDArray[np.bool_] | None = None
    """Rows that a session file gives as history, not as the target of its line, [n]."""

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.users)


def raw_ids(values: object) -> pd.Index:
    """An index of raw identifiers: text stays text, and 1.0 stays 1.0."""
    return pd.Index(values, dtype=object)  # type: ignore[call-overload,no-any-return]


def concatenated(parts: list[RawRows]) -> RawRows:
    """Concatenate the rows of several files; an order that not all files have is none."""
    orders = {each.order for each in parts}
    return RawRows(
        users=_concatenated([each.users for each in parts]),
        items=_concatenated([each.items for each in parts]),
        times=_if_in_all([each.times for each in parts]),
        ratings=_with_gaps(parts),
        notes=tuple(dict.fromkeys(note for each in parts for note in each.notes)),
        order=orders.pop() if len(orders) == 1 else "none",
        history=_history(parts),
    )


def _concatenated(columns: list[pd.Index]) -> pd.Index:
    return raw_ids(np.concatenate([np.asarray(each, object) for each in columns]))


def _if_in_all(columns: list[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    """Concatenated if every file has the column, else None: half a column orders nothing."""
    present = [each for each in columns if each is not None]
    return np.concatenate(present) if len(present) == len(columns) else None


def _with_gaps(parts: list[RawRows]) -> NDArray[np.float64] | None:
    """Concatenated, NaN for files without ratings: a least rating is refused there before."""
    if all(each.ratings is None for each in parts):
        return None
    return np.concatenate(
        [np.full(len(each), np.nan) if each.ratings is None else each.ratings for each in parts]
    )


def _history(parts: list[RawRows]) -> NDArray[np.bool_] | None:
    if all(each.history is None for each in parts):
        return None
    return np.concatenate(
        [np.zeros(len(each), bool) if each.history is None else each.history for each in parts]
    )
