"""Parquet files, read by pyarrow (an optional dependency); identifiers keep their type."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.download.checksums import UNREADABLE
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.readers.column_roles import Columns, choose_columns
from negbench.data.readers.delimited import numbers
from negbench.data.readers.timestamps import BadValue, seconds, since_1970
from negbench.errors import DataError, UserError


def read_parquet(path: Path, columns: Columns) -> RawRows:
    """Read all rows of a parquet file.

    Raises DataError, with its number, for the first invalid row.
    """
    frame = _frame(path)
    chosen = choose_columns([str(name) for name in frame.columns], columns, str(path))
    used = {role: frame.iloc[:, at] for role, at in chosen.positions.items()}
    for role, column in used.items():
        empty = column.isna().to_numpy(bool)
        if empty.any():
            raise _row_error(path, int(empty.argmax()), f"the {role} is missing")
        if not pd.api.types.is_hashable(column.iloc[0]):
            raise DataError(f"{path}: the {role} must be text or a number; got {column.iloc[0]!r}")
    try:
        times, read_as = _times(used["time"]) if "time" in used else (None, ())
        ratings = numbers(used["rating"], "rating") if "rating" in used else None
    except BadValue as error:
        raise _row_error(path, error.row, error.reason) from None
    users, items = raw_ids(used["user"]), raw_ids(used["item"])
    return RawRows(users, items, times, ratings, (chosen.note, *read_as))


def _frame(path: Path) -> pd.DataFrame:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            f"{path}: parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`"
        ) from None
    try:
        blob = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        frame: pd.DataFrame = pyarrow.parquet.read_table(io.BytesIO(blob)).to_pandas()
    except (pyarrow.ArrowException, ValueError, *UNREADABLE) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is no readable parquet file ({reason})") from None
    if frame.empty:
        raise DataError(f"{path} has no rows; there is nothing to read")
    return frame


def _times(column: "pd.Series[Any]") -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return since_1970(column), ()
    return seconds(column)


def _row_error(path: Path, row: int, reason: str) -> DataError:
    return DataError(f"{path}, row {row + 1}: {reason}; mend or delete that row")
