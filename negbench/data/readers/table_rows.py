"""The columns of a table, of text or typed, as raw rows: ids, times and ratings are checked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.interactions import Order
from negbench.data.number_words import counted
from negbench.data.raw_rows import RawRows
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.identifiers import BadIds, Identifiers, identifiers
from negbench.data.readers.item_lists import expanded
from negbench.data.readers.timestamps import BadValue, seconds
from negbench.errors import DataError

Used = dict[str, "pd.Series[Any]"]
ORDERED = {
    "time": "ordered by time, as told",
    "rows": "the rows of a user are in time order, as told by --order rows",
    "none": "times are not read, as told by --order none",
}
NARROW = {
    "float16": "float16",
    "halffloat[pyarrow]": "float16",
    "float32": "float32",
    "float[pyarrow]": "float32",
}
"""Types of columns with fewer digits than float64, by what pandas calls them."""
RowError = Callable[[int, str, str], DataError]
"""The error for a row (from 0), a reason and a remedy."""


def table_rows(used: Used, columns: Columns, error: RowError, notes: tuple[str, ...]) -> RawRows:
    """The rows of these columns, by role; "list" is a column of items in order.

    Rows without a user or an item are dropped and counted. Raises DataError, by `error`, for a
    time or an asked rating that is none.
    """
    history = None
    if "list" in used:
        used, history, notes = _expanded(used, notes)
    used = {role: _uncategorical(column) for role, column in used.items()}
    ids = {role: _identifiers(used[role], role, error) for role in ("user", "item")}
    keep = np.flatnonzero(~(ids["user"].missing | ids["item"].missing))
    dropped = _dropped(ids)
    if not len(keep):
        raise error(0, "; ".join((*dropped, "no row is left")), "see --user and --item")
    try:
        times, read_as = seconds(used["time"].iloc[keep]) if "time" in used else (None, ())
        ratings, rated = _ratings(used, keep, columns)
    except BadValue as bad:
        raise error(int(keep[bad.row]), bad.reason, bad.remedy) from None
    asked = () if columns.order is None else (ORDERED[columns.order],)
    return RawRows(
        ids["user"].index(keep),
        ids["item"].index(keep),
        times,
        ratings,
        (*notes, *ids["user"].notes, *ids["item"].notes, *dropped, *read_as, *rated, *asked),
        order=_order(columns, history),
        history=None if history is None else history[keep],
    )


def _uncategorical(column: "pd.Series[Any]") -> "pd.Series[Any]":
    kind = column.dtype
    return column.astype(kind.categories.dtype) if isinstance(kind, pd.CategoricalDtype) else column


def _identifiers(column: "pd.Series[Any]", role: str, error: RowError) -> Identifiers:
    try:
        return identifiers(column, role)
    except BadIds as bad:
        raise error(bad.row, bad.reason, bad.remedy) from None


def _expanded(
    used: Used, notes: tuple[str, ...]
) -> tuple[Used, NDArray[np.bool_], tuple[str, ...]]:
    """Sessions as one row an item; the order of a list is the order in time."""
    each = expanded(used["list"], used.get("item"))
    users = used["user"].iloc[each.rows].reset_index(drop=True)
    what = "each list followed by its item" if "item" in used else "a list a line"
    note = f"read as sessions: {what}, in order; times and ratings are not read"
    items = pd.Series(each.items, dtype=str)
    return {"user": users, "item": items}, each.history, (*notes, note)


def _order(columns: Columns, history: NDArray[np.bool_] | None) -> Order | None:
    if columns.order == "none":
        return "none"
    return "rows" if columns.order == "rows" or history is not None else None


def _dropped(ids: dict[str, Identifiers]) -> tuple[str, ...]:
    """How many rows lack an id."""
    lacking = {role: each.missing for role, each in ids.items()}
    either = lacking["user"] | lacking["item"]
    if not either.any():
        return ()
    parts = [f"{int(gone.sum()):,} without {role}" for role, gone in lacking.items() if gone.any()]
    rows = f"{int(either.sum()):,} of {counted(len(either), 'row')}"
    return (f"{rows} dropped: {', '.join(parts)} (empty, NA, NULL or the like)",)


def _ratings(
    used: Used, keep: NDArray[np.intp], columns: Columns
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Ratings [n]; one that is no number is an error only if a least rating was given."""
    if "rating" not in used:
        return None, ()
    column = used["rating"].iloc[keep]
    values = _as_written(pd.to_numeric(column, errors="coerce"))
    bad = ~np.isfinite(values)
    if not bad.any():
        return values, ()
    row = int(bad.argmax())
    if columns.min_rating is not None:
        raise BadValue(row, f"the rating {column.iloc[row]!r} is not a number")
    values = np.where(bad, np.nan, values)
    return values, (f"{counted(int(bad.sum()), 'row')} without a rating, which no one asked for",)


def _as_written(numbers: "pd.Series[Any]") -> NDArray[np.float64]:
    """Numbers [n] by their shortest decimals: a 0.7 that was stored in half the digits is 0.7.

    As a float32 it is a little less, and would not reach a least rating of 0.7.
    """
    values = numbers.to_numpy(np.float64)
    narrow = NARROW.get(str(numbers.dtype).lower())
    if narrow is None:
        return values
    distinct, codes = np.unique(values, return_inverse=True)
    return distinct.astype(narrow).astype(str).astype(np.float64)[codes]
