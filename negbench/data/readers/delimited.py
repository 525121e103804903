"""Tables: csv, tsv, RecBole's .inter and headerless numbers, read whole and checked whole."""

import csv
import io
import itertools
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.download.checksums import UNREADABLE, open_bytes
from negbench.data.raw_rows import Rows, identifiers
from negbench.data.readers.column_roles import (
    USUAL,
    Chosen,
    Columns,
    by_position,
    check_rating,
    choose,
)
from negbench.data.readers.line_errors import Form, blame, blame_width
from negbench.data.readers.timestamps import Unreadable, seconds
from negbench.errors import DataError, UserError

HEADERLESS = {
    2: (("user", "item"), "user item, as SASRec's files"),
    4: (("user", "item", "rating", "time"), "user item rating time, as MovieLens' u.data"),
}
"""Numbers without header are read only where their meaning is settled by custom."""


def read_table(path: Path, columns: Columns) -> Rows:
    """All rows of a table; the first bad one is an error with its line and its reason."""
    first = first_line(path)
    separator, said = separator_of(path, first)
    try:
        fields = next(Form(path, separator, False, 0).fields([first]))
    except csv.Error as error:
        raise DataError(f"{path} cannot be read ({error}, in its first line)") from None
    form = Form(path, separator, _has_header(fields, columns), len(fields))
    if form.width < 2:
        raise DataError(
            f"{path} has one column ({first[:40]!r}); a user and an item column are needed,"
            " separated by comma, semicolon or tab"
        )
    chosen = _chosen(form, fields, columns)
    frame = _frame(form)
    if not len(frame):
        raise DataError(f"{path} has a header and no rows; there is nothing to read")
    return _checked(form, frame, chosen, (chosen.note, *said))


def first_line(path: Path) -> str:
    """The first line that is not blank."""
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
    """What cuts the fields: the file's ending says it, unless the first line shows otherwise."""
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


def _chosen(form: Form, fields: list[str], columns: Columns) -> Chosen:
    where = str(form.path)
    if columns.positional:
        return by_position(form.width, columns, where)
    if form.header:
        return choose(fields, columns, where)
    if columns.named or form.width not in HEADERLESS:
        raise UserError(
            f"{where}: has no header and {form.width} columns of numbers; say which is which by"
            " number, as in --user 1 --item 2 --rating 3 --time 4"
        )
    roles, custom = HEADERLESS[form.width]
    positions = {role: at for at, role in enumerate(roles)}
    check_rating(columns, positions, where)
    return Chosen(positions, f"no header: read as {custom}")


def _frame(form: Form) -> pd.DataFrame:
    """All fields as text, by the fast parser."""
    with open_bytes(form.path) as stream, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            colons = form.separator == "::"
            blob = stream.read()
            frame: pd.DataFrame = pd.read_csv(
                io.BytesIO(blob.replace(b"::", b"\t") if colons else blob),
                sep=form.delimiter,
                header=0 if form.header else None,
                index_col=False,
                dtype=str,
                na_filter=False,
                encoding="utf-8-sig",
                quoting=form.quoting,
            )
        except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
            raise blame_width(form, str(error)) from None
        except UNREADABLE as error:
            raise DataError(f"{form.path} cannot be read ({error})") from None
    return frame


def _checked(form: Form, frame: pd.DataFrame, chosen: Chosen, notes: tuple[str, ...]) -> Rows:
    columns = {role: frame.iloc[:, at] for role, at in chosen.positions.items()}
    for role, column in columns.items():
        empty = (column.isna() | (column.str.strip() == "")).to_numpy(bool)
        if empty.any():
            raise blame(form, int(empty.argmax()), f"the {role} is missing")
    try:
        times, said = seconds(columns["time"]) if "time" in columns else (None, ())
        ratings = numbers(columns["rating"], "rating") if "rating" in columns else None
    except Unreadable as error:
        raise blame(form, error.row, error.reason) from None
    users, items = identifiers(columns["user"]), identifiers(columns["item"])
    return Rows(users, items, times, ratings, (*notes, *said))


def numbers(column: "pd.Series[str]", role: str) -> NDArray[np.float64]:
    """A column of finite numbers."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise Unreadable(row, f"the {role} {column.iloc[row]!r} is not a number")
    return values
