"""Columns of features from text: their types, by a typed header or by their looks.

A header in RecBole's way says what a column holds, `genres:token_seq`: token (one value), token_seq
(several), float or float_seq. Without types a column of numbers is numeric, one with a bar in it
holds several values, and any other one value. Values of a sequence are parted by a bar where the
column has one, else by blanks.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from negbench.data.features import Categorical, Features, Numeric
from negbench.data.readers.column_roles import plain_names
from negbench.data.readers.identifiers import MISSING
from negbench.errors import DataError, UserError

BAR = "|"
Words = list[str]
Error = Callable[[int, str], DataError]
"""The error for a row (from 0) and what is wrong with it."""


def columns_of(
    cells: Mapping[str, Words], role: str, where: str, error: Error
) -> tuple[Features, list[str]]:
    """The columns of fields of a header to their values, and notes on those that are left out.

    Raises UserError for an unknown type, and DataError, by `error`, for a value that is not of its
    column's type, and where no column is left.
    """
    read, left_out = list[Categorical | Numeric](), []
    for field, words in cells.items():
        kind = _kind(field, words, role, where)
        name = plain_names(["", field])[1]
        if kind in _READERS:
            read += _READERS[kind](name, words, error)
        else:
            left_out.append(f"{role} column {name} left out: {kind}")
    if not read:
        raise DataError(f"{where} holds no {role} features ({'; '.join(left_out)})")
    categorical = tuple(each for each in read if isinstance(each, Categorical))
    return Features(
        categorical, tuple(each for each in read if isinstance(each, Numeric))
    ), left_out


def _kind(field: str, cells: Words, role: str, where: str) -> str:
    """The type of a column, or why it is left out."""
    _, typed, kind = field.strip(' "').rpartition(":")
    present = [each for each in cells if each not in MISSING]
    if not present:
        return "it is empty"
    if not plain_names(["", field])[1]:
        return "it has no name"
    if typed:
        if kind not in _READERS:
            known = ", ".join(_READERS)
            raise UserError(f"{where}: the type of a column must be one of {known}; got {field}")
        return kind
    if all(_is_number(each) for each in present):
        return "float"
    if any(BAR in each for each in present):
        return "token_seq"
    alone = sum(n == 1 for n in pd.Series(present).value_counts())
    if len(present) > 2 and 2 * alone > len(present):
        return (
            f"{alone:,} of its {len(present):,} values are of one {role} alone (type it to keep it)"
        )
    return "token"


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text))) and "_" not in text
    except ValueError:
        return False


def _token(name: str, cells: Words, error: Error) -> list[Categorical]:
    del error
    return [Categorical.of(name, [[] if each in MISSING else [each] for each in cells])]


def _token_seq(name: str, cells: Words, error: Error) -> list[Categorical]:
    del error
    mark = BAR if any(BAR in each for each in cells) else None
    parts = ([word.strip() for word in each.split(mark)] for each in cells)
    return [Categorical.of(name, [[w for w in words if w not in MISSING] for words in parts])]


def _float(name: str, cells: Words, error: Error) -> list[Numeric]:
    values = np.full(len(cells), np.nan)
    for row, each in enumerate(cells):
        if each not in MISSING:
            if not _is_number(each):
                raise error(row, f"{name} must be a finite number; got {each[:40]!r}")
            values[row] = float(each)
    return [Numeric(name, values)]


def _float_seq(name: str, cells: Words, error: Error) -> list[Numeric]:
    mark = BAR if any(BAR in each for each in cells) else None
    parts = [[] if each in MISSING else each.split(mark) for each in cells]
    width = max(map(len, parts))
    for row, words in enumerate(parts):
        if len(words) not in (0, width):
            raise error(row, f"{name} must have {width} numbers as other rows; got {len(words)}")
    full = [words or [""] * width for words in parts]
    columns = ([words[at] for words in full] for at in range(width))
    return [_float(f"{name}_{at}", column, error)[0] for at, column in enumerate(columns)]


_READERS: dict[str, Callable[[str, Words, Error], list[Categorical] | list[Numeric]]] = {
    "token": _token,
    "token_seq": _token_seq,
    "float": _float,
    "float_seq": _float_seq,
}
