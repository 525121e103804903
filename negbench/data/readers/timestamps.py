"""Timestamps and dates of a file as seconds since 1970."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

UNITS = ((1e17, 1e9, "nanoseconds"), (1e14, 1e6, "microseconds"), (1e11, 1e3, "milliseconds"))
"""Least stamp, units per second and name: as seconds such a stamp would be after the year 5100."""


class BadValue(Exception):
    """An invalid value of a column, with its row from 0."""

    def __init__(self, row: int, reason: str) -> None:
        """Keep the row, so that its line can be found."""
        super().__init__(reason)
        self.row = row
        self.reason = reason


def seconds(column: "pd.Series[str]") -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Stamps or ISO dates as seconds, [n], and notes on how they were read.

    Raises BadValue for the first value that is neither.
    """
    stamps = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if np.isfinite(stamps[:1]).all():
        return _stamps(column, stamps)
    dates = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    bad = dates.isna().to_numpy(bool)
    if bad.any():
        row = int(bad.argmax())
        raise BadValue(row, f"the time {column.iloc[row]!r} is no date as 2024-05-31T10:00:00")
    return since_1970(dates), ("times read as ISO dates, UTC where no zone is given",)


def since_1970(dates: "pd.Series[pd.Timestamp]") -> NDArray[np.float64]:
    """Dates as seconds, [n]."""
    naive = dates.dt.tz_localize(None) if dates.dt.tz is not None else dates
    return naive.to_numpy("datetime64[us]").astype(np.int64) / 1e6


def _stamps(
    column: "pd.Series[str]", stamps: NDArray[np.float64]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    bad = ~np.isfinite(stamps)
    if bad.any():
        row = int(bad.argmax())
        raise BadValue(row, f"the time {column.iloc[row]!r} is not a number as the others are")
    for least, per_second, word in UNITS:
        if stamps.min() > least:
            return stamps / per_second, (f"times taken for {word}, by their size",)
    return stamps, ()
