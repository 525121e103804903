"""Whether the first line of a table is a header, and headers that come again in the middle."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.readers.column_roles import NAMES, Columns, is_usual
from negbench.errors import UserError

Used = dict[str, "pd.Series[str]"]


def is_number(field: str) -> bool:
    """Whether a field is a finite number."""
    try:
        return bool(np.isfinite(float(field))) and "_" not in field
    except ValueError:
        return False


def has_header(
    first: Sequence[str], sample: Sequence[list[str]], columns: Columns, where: str
) -> bool:
    """Whether the first line names the columns; `sample` are some rows below it.

    Raises UserError if it counts the columns from 0 and may be a row too.
    """
    if all(is_number(field) for field in first):
        return _counts_the_columns(first, sample, columns, where)
    if not columns.positional or any(is_usual(field) for field in first):
        return True
    for at, field in enumerate(first):
        below = [row[at].strip() for row in sample if at < len(row) and row[at].strip()]
        odd = not field.strip() or not is_number(field)
        if below and odd and all(is_number(each) for each in below):
            return True
    return False


def _counts_the_columns(
    first: Sequence[str], sample: Sequence[list[str]], columns: Columns, where: str
) -> bool:
    """Whether the line is 0,1,2: what pandas writes over columns without names."""
    if [field.strip() for field in first] != [str(at) for at in range(len(first))]:
        return False
    if "0" in columns.named.values():
        return True
    if len(first) == 2 or not sample:
        return False
    text = ",".join(first)
    raise UserError(
        f"{where}: the first line, {text}, may be a header that counts the columns or a row; write"
        " a line of names, as user,item,rating, in its place if it is a header, and above it if it"
        " is a row"
    )


def repeated_headers(used: Used, header: dict[str, str]) -> NDArray[np.bool_]:
    """The rows that are the header once more, as in tables joined by `cat`, [n]."""
    again = np.ones(len(used["user"]), bool)
    for role in ("user", "item"):
        if role in used:
            names = [header[role], "\ufeff" + header[role]]
            again &= used[role].isin(names).to_numpy(bool)
    return again


def other_header(used: Used, header: dict[str, str]) -> int | None:
    """The first row that names columns, though not as the header does; None if there is none."""
    names = [*NAMES, *header.values(), "\ufeff" + header.get("user", "")]
    both = used["user"].isin(names).to_numpy(bool, copy=True)
    if both.any() and "item" in used:
        both &= used["item"].isin(names).to_numpy(bool)
    return int(both.argmax()) if both.any() and len(used) > 1 else None


def refuse_a_row_as_header(
    used: Used, header: dict[str, str], columns: Columns, where: str
) -> None:
    """Raises UserError if a column is named by a value that comes back among its rows."""
    for role in columns.named.keys() & used.keys() & header.keys() & {"user", "item"}:
        name = header[role]
        if not is_usual(name) and (used[role] == name).any():
            raise UserError(
                f"{where}: --{role} {name} names a column by a value that its rows have too, so the"
                " first line is a row and no header; give columns by number, as --user 1 --item 2"
            )


def refuse_a_header_as_row(used: Used, where: str) -> None:
    """Raises UserError if the first line may be a header too: its ids never come back."""
    users, items = used["user"], used["item"]
    fields = [column.iloc[0] for column in used.values()]
    if len(users) < 2 or any(is_number(field) for field in fields):
        return
    if (users.iloc[1:] == users.iloc[0]).any() or (items.iloc[1:] == items.iloc[0]).any():
        return
    raise UserError(
        f"{where}: the first line ({', '.join(fields)}) may be a header or a row; if it is a"
        f" header, give columns by name, as --user {users.iloc[0]!r}; if it is a row, write a line"
        " of names above it"
    )
