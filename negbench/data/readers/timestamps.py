"""Timestamps and dates of a file as seconds since 1970: one unit and one clock for a column."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.number_words import counted
from negbench.data.readers.identifiers import BLANKS, MISSING

UNITS = (
    (1e11, 1.0, "seconds"),
    (1e14, 1e3, "milliseconds"),
    (1e17, 1e6, "microseconds"),
    (2e19, 1e9, "nanoseconds"),
)
"""Sizes below which a stamp is in that unit: as seconds 1e11 would be after the year 5100."""
REAL = (1e8, 4.102e9)
"""Stamps of real clocks lie between 1973 and 2100."""
DAYS = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
"""Dates written as one number, by their digits."""
WITHOUT = "--order none reads the file without times"


class BadValue(Exception):
    """An invalid value of a column, with its row from 0 and what to do about it."""

    def __init__(self, row: int, reason: str, remedy: str = "") -> None:
        """Keep the row, so that its line can be found."""
        super().__init__(reason)
        self.row = row
        self.reason = reason
        self.remedy = remedy


def seconds(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Stamps, dates or ISO texts as seconds, [n], and notes on how they were read.

    Raises BadValue for the first value that is missing, in another unit or neither.
    """
    if pd.api.types.is_timedelta64_dtype(column):
        raise BadValue(0, "the time is a duration and no point in time", WITHOUT)
    if isinstance(column.dtype, pd.PeriodDtype):  # as numbers they would count periods
        column = column.dt.start_time
    if pd.api.types.is_datetime64_any_dtype(column):
        _refuse_missing(column.isna().to_numpy(bool))
        times = since_1970(column)
        zoned = isinstance(column.dtype, pd.DatetimeTZDtype)
        notes: tuple[str, ...] = (f"times of the zone {column.dt.tz} read as UTC",) if zoned else ()
        return times, notes + _odd_ones(times)
    stamps = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    unread = ~np.isfinite(stamps)
    if unread.any():
        _refuse_missing(unread & _is_missing(column))
        if unread[0]:
            return _dates(column)
        row = int(unread.argmax())
        raise BadValue(row, f"the time {column.iloc[row]!r} is not a number as the others are")
    times, notes = _stamps(column, stamps)
    return times, (*notes, *_odd_ones(times))


def since_1970(dates: "pd.Series[Any]") -> NDArray[np.float64]:
    """Dates as seconds, [n]; those of a zone by their instant, not by their wall clock."""
    naive = dates.dt.tz_convert("UTC").dt.tz_localize(None) if dates.dt.tz is not None else dates
    return naive.to_numpy("datetime64[us]").astype(np.int64) / 1e6


def _dates(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], tuple[str, ...]]:
    text = column if column.dtype == "str" else column.astype(str)
    dates = pd.to_datetime(text.str.strip(), errors="coerce", utc=True, format="ISO8601")
    bad = dates.isna().to_numpy(bool)
    if bad.any():
        row = int(bad.argmax())
        raise BadValue(row, f"the time {column.iloc[row]!r} is no date as 2024-05-31T10:00:00")
    times = since_1970(dates)
    return times, ("times read as ISO dates, UTC where no zone is given", *_odd_ones(times))


def _is_missing(column: "pd.Series[Any]") -> NDArray[np.bool_]:
    text = column if column.dtype == "str" else column.astype(str)
    return (column.isna() | text.str.strip(BLANKS).isin(MISSING)).to_numpy(bool)


def _refuse_missing(missing: NDArray[np.bool_]) -> None:
    """Rows without a time have no place in the order, so none is guessed."""
    if missing.any():
        n, rows = int(missing.sum()), len(missing)
        where = f" (and in {n:,} of {rows:,} rows)" if n > 1 else ""
        remedy = f"give every row a time, or {WITHOUT}"
        raise BadValue(int(missing.argmax()), f"the time is missing{where}", remedy)


def _stamps(
    column: "pd.Series[Any]", stamps: NDArray[np.float64]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Numbers as seconds: all in one unit, told by their size; 0 and -1 are of any unit."""
    sizes = np.abs(stamps)
    unit = np.searchsorted([least for least, _, _ in UNITS], sizes, side="right")
    sized = sizes > 1
    if not sized.any():
        return stamps, ()
    if (unit == len(UNITS)).any():
        row = int((unit == len(UNITS)).argmax())
        raise BadValue(row, f"the time {column.iloc[row]} is beyond any clock")
    counts = np.bincount(unit[sized], minlength=len(UNITS))
    first = int(unit[sized.argmax()])
    usual = first if counts[first] == counts.max() else int(counts.argmax())
    other = sized & (unit != usual)
    if other.any():
        row, like = int(other.argmax()), int((sized & ~other).argmax())
        most = f"{counts[usual]:,} of {counted(len(stamps), 'row')}"
        raise BadValue(
            row,
            f"the time {column.iloc[row]} has the size of {UNITS[unit[row]][2]}, where {most} are"
            f" in {UNITS[usual][2]}, as {column.iloc[like]}",
            f"write all times in one unit, or {WITHOUT}",
        )
    if dates := _written_as_days(stamps):
        return dates
    note = (f"times taken for {UNITS[usual][2]}, by their size",) if usual else ()
    return stamps / UNITS[usual][1], note


def _written_as_days(
    stamps: NDArray[np.float64],
) -> tuple[NDArray[np.float64], tuple[str, ...]] | None:
    """The seconds of dates such as 20240531, if all are such."""
    for digits, form in DAYS.items():
        year = stamps // 10 ** (digits - 4)
        if ((year >= 1970) & (year <= 2100)).all() and (stamps % 1 == 0).all():
            text = pd.Series(stamps.astype(np.int64)).astype(str)
            dates = pd.to_datetime(text, format=form, errors="coerce")
            if not dates.isna().any():
                return since_1970(dates), (f"times read as dates, as {text.iloc[0]}",)
    return None


def _odd_ones(times: NDArray[np.float64]) -> tuple[str, ...]:
    """A note on stamps of no real clock, as 0 or the year 9999, among real ones."""
    odd = (times <= 0) | (times > REAL[1])
    if not odd.any() or not REAL[0] < np.median(times) < REAL[1]:
        return ()
    rows = f"{counted(int(odd.sum()), 'row')} of {len(times):,}"
    return (
        f"{rows} with a time of no real clock, as {_day(times[odd][0])}: kept, so they come first"
        f" or last; {WITHOUT}",
    )


def _day(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return f"{time:g} seconds"


def dropped_times(names: Sequence[str], timed: Sequence[bool]) -> tuple[str, ...]:
    """A note where some files of a split have times and others have none."""
    if all(timed) or not any(timed):
        return ()
    without = " and ".join(name for name, has in zip(names, timed, strict=True) if not has)
    has = "has" if sum(not each for each in timed) == 1 else "have"
    return (f"all times are dropped, as {without} {has} none: no order is known",)
