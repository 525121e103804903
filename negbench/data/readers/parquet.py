"""Parquet files, read by pyarrow (an optional dependency), and data frames in memory.

Identifiers keep their type; only the columns that are used are read. An index that pandas wrote is
a column as any other.
"""

import gzip
import io
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from negbench.data.download.checksums import UNREADABLE
from negbench.data.raw_rows import RawRows
from negbench.data.readers.column_roles import Columns, choose_columns
from negbench.data.readers.item_lists import typed_list_column
from negbench.data.readers.table_rows import table_rows
from negbench.errors import DataError, UserError


def read_parquet(path: Path, columns: Columns) -> RawRows:
    """Read all rows of a parquet file.

    Raises DataError, with its number, for the first invalid row.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            f"{path}: parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`"
        ) from None
    _refuse_layouts(columns, str(path))
    try:
        zipped = path.suffix.lower() == ".gz"
        source = io.BytesIO(gzip.decompress(path.read_bytes())) if zipped else str(path)
        with pyarrow.parquet.ParquetFile(source) as file:
            ranges = _named_ranges(file.schema_arrow.pandas_metadata)
            types = file.schema_arrow.types
            names = [*file.schema_arrow.names, *ranges]
            firsts: list[Any] = [[] if pyarrow.types.is_nested(each) else None for each in types]
            lists = _lists(names, [*firsts, *ranges], columns)
            chosen = choose_columns(names, columns, str(path), lists, numbered=False)
            wanted = {role: names[at] for role, at in chosen.used.items()}
            stored = [name for name in wanted.values() if name not in ranges]
            table = file.read(columns=stored, use_pandas_metadata=False)
            used = {
                role: ranges[name]
                if name in ranges
                else table.column(name).to_pandas(integer_object_nulls=True)
                for role, name in wanted.items()
            }
    except (pyarrow.ArrowException, ValueError, KeyError, *UNREADABLE) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is no readable parquet file ({reason})") from None
    return _typed_rows(used, columns, str(path), chosen.note)


def _named_ranges(metadata: Any) -> "dict[str, pd.Series[Any]]":
    """Indices that pandas wrote as a range and not as a column: those with a name are columns."""
    indices = [each for each in (metadata or {}).get("index_columns", ()) if isinstance(each, dict)]
    return {
        each["name"]: pd.Series(range(each["start"], each["stop"], each["step"]))
        for each in indices
        if each.get("kind") == "range" and each.get("name")
    }


def frame_rows(frame: pd.DataFrame, columns: Columns, where: str) -> RawRows:
    """The rows of a data frame, its index among its columns if it has a name.

    Raises DataError, with its number, for the first invalid row.
    """
    _refuse_layouts(columns, where)
    frame = _with_index(frame, where)
    names = [str(name) for name in frame.columns]
    firsts = [frame.iloc[0, at] if len(frame) else 0 for at in range(len(names))]
    lists = _lists(names, firsts, columns)
    chosen = choose_columns(names, columns, where, lists, numbered=False)
    used = {role: frame.iloc[:, at] for role, at in chosen.used.items()}
    used = {role: column.reset_index(drop=True) for role, column in used.items()}
    return _typed_rows(used, columns, where, chosen.note)


def _with_index(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """The frame with a named index among its columns, once where a column is called so too.

    Raises UserError where that column holds other values.
    """
    index, columns = frame.index, list(frame.columns)
    twins = [name for name in index.names if name is not None and name in columns]
    for name in twins:
        level = index.get_level_values(list(index.names).index(name))
        if not level.equals(pd.Index(frame.iloc[:, columns.index(name)])):
            raise UserError(
                f"{where}: index and column must not share a name where they differ; both are "
                f"called {name}; rename one, or leave the index out by reset_index(drop=True)"
            )
    if twins:
        frame = frame.reset_index(level=twins, drop=True)
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _lists(names: list[str], firsts: list[Any], columns: Columns) -> int:
    """The column of lists of a session table, by the first cell of each column; else -1."""
    return -1 if columns.layout == "pairs" else typed_list_column(names, firsts, columns.item)


def _refuse_layouts(columns: Columns, where: str) -> None:
    if columns.layout in ("lists", "sequences"):
        raise UserError(
            f"{where}: --layout {columns.layout} is for text files; a table of typed columns holds"
            " a user and an item, or a list of items, a row"
        )


def _typed_rows(
    used: "dict[str, pd.Series[Any]]", columns: Columns, where: str, note: str
) -> RawRows:
    if not len(used["user"]):
        raise DataError(f"{where} has no rows; there is nothing to read")
    return table_rows(used, columns, partial(_row_error, where), (note,))


def _row_error(where: str, row: int, reason: str, remedy: str) -> DataError:
    todo = remedy or "mend that row"
    return DataError(f"{where}, row {row + 1}: {reason}; {todo}")
