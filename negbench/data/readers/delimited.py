"""Delimited tables: csv, tsv, RecBole's .inter and headerless numbers; every row is checked."""

import csv
import io
import itertools
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.download.checksums import UNREADABLE, open_bytes
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.readers.column_roles import (
    USUAL,
    ColumnChoice,
    Columns,
    by_position,
    check_rating,
    choose_columns,
)
from negbench.data.readers.line_errors import Layout, line_error, width_error
from negbench.data.readers.timestamps import BadValue, seconds
from negbench.errors import DataError, UserError

HEADERLESS = {
    2: (("user", "item"), "user item, as SASRec's files"),
    4: (("user", "item", "rating", "time"), "user item rating time, as MovieLens' u.data"),
}
"""Conventions for numbers without header, by the number of columns; others are refused."""


def read_table(path: Path, columns: Columns) -> RawRows:
    """Read all rows of a table.

    Raises DataError, with line and reason, for the first invalid row.
    """
    first = first_line(path)
    separator, notes = separator_of(path, first)
    try:
        fields = next(Layout(path, separator, False, 0).fields([first]))
    except csv.Error as error:
        raise DataError(f"{path} cannot be read ({error}, in its first line)") from None
    layout = Layout(path, separator, _has_header(fields, columns), len(fields))
    if layout.width < 2:
        raise DataError(
            f"{path} has one column ({first[:40]!r}); a user and an item column are needed,"
            " separated by comma, semicolon or tab"
        )
    chosen = _chosen(layout, fields, columns)
    frame = _frame(layout)
    if not len(frame):
        raise DataError(f"{path} has a header and no rows; there is nothing to read")
    return _checked(layout, frame, chosen, (chosen.note, *notes))


def first_line(path: Path) -> str:
    """The first line that is not blank.

    Raises DataError if the file is empty, damaged or not UTF-8.
    """
    try:
        with open_bytes(path) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig")
            line = next((line for line in itertools.islice(text, 1000) if line.strip()), None)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from None
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read ({error})") from None
    if line is None:
        raise DataError(f"{path} is empty; there is nothing to read")
    return line.rstrip("\r\n")


def separator_of(path: Path, first: str) -> tuple[str, tuple[str, ...]]:
    """The field separator, by the file's ending unless the first line shows another; and notes."""
    expected = "," if ".csv" in path.suffixes else "\t"
    if expected in first:
        return expected, ()
    for other, word in (("::", "'::'"), ("\t", "tab"), (";", "semicolon"), (",", "comma")):
        if other in first:
            return other, (f"fields separated by {word}, as the first line shows",)
    return expected, ()


def _numeric(fields: list[str]) -> bool:
    return all(field.strip().lstrip("-").replace(".", "", 1).isdigit() for field in fields)


def _has_header(fields: list[str], columns: Columns) -> bool:
    if _numeric(fields):
        return False
    usual = {name for names in USUAL.values() for name in names.split()}
    return not columns.positional or any(field.split(":")[0].lower() in usual for field in fields)


def _chosen(layout: Layout, fields: list[str], columns: Columns) -> ColumnChoice:
    where = str(layout.path)
    if columns.positional:
        return by_position(layout.width, columns, where)
    if layout.header:
        return choose_columns(fields, columns, where)
    if columns.named or layout.width not in HEADERLESS:
        raise UserError(
            f"{where}: has no header and {layout.width} columns of numbers; say which is which by"
            " number, as in --user 1 --item 2 --rating 3 --time 4"
        )
    roles, custom = HEADERLESS[layout.width]
    positions = {role: at for at, role in enumerate(roles)}
    check_rating(columns, positions, where)
    return ColumnChoice(positions, f"no header: read as {custom}")


def _frame(layout: Layout) -> pd.DataFrame:
    """All fields as text, read by pandas' fast parser."""
    with open_bytes(layout.path) as stream, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            colons = layout.separator == "::"
            blob = stream.read()
            frame: pd.DataFrame = pd.read_csv(
                io.BytesIO(blob.replace(b"::", b"\t") if colons else blob),
                sep=layout.delimiter,
                header=0 if layout.header else None,
                index_col=False,
                dtype=str,
                na_filter=False,
                encoding="utf-8-sig",
                quoting=layout.quoting,
            )
        except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
            raise width_error(layout, str(error)) from None
        except UNREADABLE as error:
            raise DataError(f"{layout.path} cannot be read ({error})") from None
    return frame


def _checked(
    layout: Layout, frame: pd.DataFrame, chosen: ColumnChoice, notes: tuple[str, ...]
) -> RawRows:
    columns = {role: frame.iloc[:, at] for role, at in chosen.positions.items()}
    for role, column in columns.items():
        empty = (column.isna() | (column.str.strip() == "")).to_numpy(bool)
        if empty.any():
            raise line_error(layout, int(empty.argmax()), f"the {role} is missing")
    try:
        times, read_as = seconds(columns["time"]) if "time" in columns else (None, ())
        ratings = numbers(columns["rating"], "rating") if "rating" in columns else None
    except BadValue as error:
        raise line_error(layout, error.row, error.reason) from None
    users, items = raw_ids(columns["user"]), raw_ids(columns["item"])
    return RawRows(users, items, times, ratings, (*notes, *read_as))


def numbers(column: "pd.Series[str]", role: str) -> NDArray[np.float64]:
    """A column as finite numbers, [n].

    Raises BadValue for the first that is none.
    """
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise BadValue(row, f"the {role} {column.iloc[row]!r} is not a number")
    return values
