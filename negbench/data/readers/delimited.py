"""Delimited tables: csv, tsv, RecBole's .inter and headerless numbers; every row is checked."""

import csv
import io
import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.download.checksums import UNREADABLE, open_bytes
from negbench.data.number_words import counted
from negbench.data.raw_rows import RawRows
from negbench.data.readers import header as headers
from negbench.data.readers.column_roles import (
    ColumnChoice,
    Columns,
    by_position,
    check_rating,
    choose_columns,
    is_usual,
    plain_names,
)
from negbench.data.readers.item_lists import list_column
from negbench.data.readers.line_errors import BLANKS, Layout, line_error, records
from negbench.data.readers.table_rows import table_rows
from negbench.data.readers.used_columns import used_columns
from negbench.errors import DataError, UserError

HEADERLESS = {
    2: (("user", "item"), "user item, as SASRec's files"),
    4: (("user", "item", "rating", "time"), "user item rating time, as MovieLens' u.data"),
}
"""Conventions for numbers without header, by the number of columns; others are refused."""
SEPARATORS = (("::", "'::'"), ("\t", "tab"), (";", "semicolon"), (",", "comma"), ("|", "bar"))
SAMPLE = 100
"""Rows that are looked at to see whether there is a header."""


def read_table(path: Path, columns: Columns, separator: str = "") -> RawRows:
    """Read all rows of a table, its fields separated as told or as its first line shows.

    Raises DataError, with line and reason, for the first invalid row, and UserError if the columns
    are in doubt.
    """
    first = first_line(path)
    notes: tuple[str, ...] = ("fields separated by blanks",) if separator == BLANKS else ()
    if not separator:
        separator, notes = separator_of(path, first)
    try:
        top = list(itertools.islice(records(Layout(path, separator, False, 0)), SAMPLE))
    except (csv.Error, UnicodeDecodeError, *UNREADABLE) as error:
        raise DataError(f"{path} cannot be read ({error}, in its first lines)") from None
    if not top:
        raise DataError(f"{path} has no fields ({first[:40]!r}); there is nothing to read")
    fields, sample = top[0].fields, [record.fields for record in top[1:]]
    header = headers.has_header(fields, sample, columns, str(path))
    layout = Layout(path, separator, header, len(fields))
    if layout.width < 2:
        raise DataError(
            f"{path} has one column ({first[:40]!r}); a user and an item column are needed,"
            " separated by comma, semicolon or tab, or by blanks with --layout pairs"
        )
    if header and not columns.positional:
        _refuse_ragged_lists(fields, sample, str(path))
    if not header and [field.strip() for field in fields] == ["0", "1"]:
        notes += ("the first line, 0,1, is read as a row; write names there if it is a header",)
    chosen = _chosen(layout, fields, sample, columns)
    letters = sum(len(line) for record in top for line in record.lines) / len(top)
    used = used_columns(layout, chosen.used, letters)
    kept, again = _without_headers(layout, used, fields, chosen, columns)
    rows = {role: column.iloc[kept] for role, column in used.items()} if again else used
    notes = (chosen.note, *notes, *again)
    return table_rows(rows, columns, partial(_row_error, layout, kept), notes)


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
    endings = [each.lower() for each in path.suffixes]
    expected = "," if ".csv" in endings else "\t"
    if expected in first:
        return expected, ()
    for other, word in SEPARATORS:
        if other in first:
            return other, (f"fields separated by {word}, as the first line shows",)
    return expected, ()


def _chosen(
    layout: Layout, fields: list[str], sample: list[list[str]], columns: Columns
) -> ColumnChoice:
    where = str(layout.path)
    if columns.positional:
        choice = by_position(layout.width, columns, where, layout.header)
        if columns.layout != "sessions":
            return choice
        user, at = choice.positions["user"], choice.positions["item"]
        return ColumnChoice({"user": user}, choice.note, lists=at)
    if layout.header:
        at = _list_column(layout, fields, sample, columns)
        return choose_columns(fields, columns, where, at)
    if columns.named or layout.width not in HEADERLESS:
        raise UserError(
            f"{where}: has no header and {layout.width} columns of numbers; say which is which by"
            f" number, as --user 1 --item 2, or give --layout lists for a user and items a line"
        )
    roles, custom = HEADERLESS[layout.width]
    if layout.width == 4 and columns.layout != "pairs":
        _refuse_lists_of_three([fields, *sample], where)
    positions = {role: at for at, role in enumerate(roles) if role in columns.wanted}
    check_rating(columns, positions, where)
    note = f"no header: read as {custom}"
    if layout.width == 2 and columns.order is None:
        note += "; no order is known: --order rows if the rows are in time order"
    return ColumnChoice(positions, note)


def _list_column(
    layout: Layout, fields: list[str], sample: list[list[str]], columns: Columns
) -> int:
    """The column of lists of a session file; -1 where there is none or another layout is told."""
    if columns.layout not in (None, "sessions"):
        return -1
    plain = plain_names(fields)
    at = list_column(fields, plain, sample)
    if columns.layout == "sessions":
        if at < 0 and columns.item in plain:
            at = plain.index(columns.item)
        if at < 0:
            raise UserError(
                f"{layout.path}: --layout sessions needs a column of lists, as item_id_list, among"
                f" {', '.join(plain)}; name it with --item COLUMN"
            )
    return at


def _refuse_ragged_lists(fields: list[str], sample: list[list[str]], where: str) -> None:
    """Lines of different lengths below a line without any usual name are no table."""
    widths = {len(row) for row in [fields, *sample]}
    if len(widths) > 1 and not any(map(is_usual, fields)):
        raise UserError(
            f"{where}: lines have from {min(widths)} to {max(widths)} fields, so they are no table;"
            " --layout lists reads a user and the user's items on each line, --layout sequences one"
            " user's items in order"
        )


def _refuse_lists_of_three(rows: list[list[str]], where: str) -> None:
    """Lines of four numbers whose first never comes back may be a user and three items."""
    heads = [row[0] for row in rows if row]
    if len(heads) > 1 and len(set(heads)) == len(heads):
        raise UserError(
            f"{where}: every line has 4 numbers and no user comes back, so these may be user item"
            " rating time or a user and three items; say --layout pairs or --layout lists"
        )


def _without_headers(
    layout: Layout,
    used: dict[str, "pd.Series[str]"],
    fields: list[str],
    chosen: ColumnChoice,
    columns: Columns,
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Which rows are no header, and a note; a row that may be a header is refused."""
    every, where = np.arange(len(used["user"])), str(layout.path)
    names = {role: fields[at] for role, at in chosen.positions.items()} if layout.header else {}
    again = headers.repeated_headers(used, names) if names else np.zeros(len(every), bool)
    kept = every[~again]
    rows = {role: column.iloc[kept] for role, column in used.items()} if again.any() else used
    if (at := headers.other_header(rows, names)) is not None:
        reason = "another header stands there, with other names or in another order"
        raise line_error(layout, int(kept[at]), reason, "read the joined tables one by one")
    if not layout.header and columns.positional:
        headers.refuse_a_header_as_row(rows, where)
    headers.refuse_a_row_as_header(rows, names, columns, where)
    n = counted(int(again.sum()), "line")
    return kept, ((f"the header comes back in the middle: {n} dropped",) if again.any() else ())


def _row_error(layout: Layout, kept: NDArray[np.intp], row: int, *why: str) -> DataError:
    return line_error(layout, int(kept[row]) if row < len(kept) else row, *why)
