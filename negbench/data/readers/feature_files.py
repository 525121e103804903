"""Tables of features: a row for each user or item, its id and its columns, as in RecBole's files.

Named by the user, or found beside RecBole's pairs. What a column was taken for, and what is
missing, is in the notes of the data set.
"""

import csv
import io
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.features import Features
from negbench.data.interactions import Interactions
from negbench.data.number_words import counted
from negbench.data.readers.column_roles import USUAL, Columns, plain_names
from negbench.data.readers.delimited import first_line, separator_of
from negbench.data.readers.feature_columns import Words, columns_of
from negbench.data.readers.identifiers import BadIds, identifiers
from negbench.data.readers.text_file import text_bytes
from negbench.data.unchanged import depends_on
from negbench.errors import DataError, UserError
from negbench.ops.file_stamp import stamp


def with_features(data: Interactions, columns: Columns, pairs: Path | None = None) -> Interactions:
    """The data set with the features of the files that `columns` names, or that lie beside `pairs`.

    Beside NAME.inter, or in the folder of the parts, these are RecBole's NAME.user and NAME.item.
    Raises UserError and DataError as `read_features`, and where several files could be meant.
    """
    for role, ids in (("user", data.user_ids), ("item", data.item_ids)):
        named = getattr(columns, f"{role}_features")
        path = _beside(pairs, f".{role}") if named is None else Path(named).expanduser()
        if path is None or ids is None:
            continue
        depends_on(partial(stamp, path))
        features, notes = read_features(path, role, ids, data.name, columns.named.get(role))
        data = replace(data, notes=(*data.notes, *notes))
        if role == "user":
            data = replace(data, user_features=features)
        else:
            data = replace(data, item_features=features)
    return data


def _beside(pairs: Path | None, ending: str) -> Path | None:
    """RecBole's file of this ending beside an .inter file or in a folder; None without one."""
    if pairs is None:
        return None
    if pairs.is_dir():
        usual = [each for each in sorted(pairs.iterdir()) if each.name.endswith(ending)]
    else:
        name, inter, _ = pairs.name.partition(".inter")
        usual = [pairs.with_name(name + ending)] if inter else []
        for each in usual:
            depends_on(partial(stamp, each))  # it may come later
    there = [each for each in usual if each.is_file()]
    if len(there) > 1:
        names = " and ".join(each.name for each in there)
        raise UserError(f"{pairs}: {names} could each hold the features; leave one there")
    return there[0] if there else None


def read_features(
    path: Path, role: str, ids: NDArray[np.object_], data: str, id_column: str | None = None
) -> tuple[Features, list[str]]:
    """The columns of a file for the users or items (`role`) of a data set, and notes on them.

    They are in the order of `ids`; `id_column` names the column of ids, where it is not a usual
    one. Raises UserError if the ids or the types of the header are in doubt, and DataError for a
    file without these ids, with an id twice, or with a value that is not of its column's type.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file of {role} features; check the path")
    header, columns = _table(path)
    at = _id_column(header, role, id_column, str(path))
    try:
        read_ids = identifiers(columns.pop(at), role)
    except BadIds as bad:
        raise _row_error(path, bad.row, bad.reason) from None
    rows = np.flatnonzero(~read_ids.missing)
    present = [str(each) for each in read_ids.index(rows)]
    _refuse_twins(path, present, role)
    cells = {
        field: [each.strip() for each in column.iloc[rows]]
        for field, column in zip(header[:at] + header[at + 1 :], columns, strict=True)
    }
    read, left_out = columns_of(cells, role, str(path), partial(_row_error, path, rows=rows))
    missing = {str(each) for each in ids} - set(present)
    if len(missing) == len(ids):
        raise DataError(
            f"{path}: none of its {role} ids is in {data} (the first is {present[0]!r} there and "
            f"{str(ids[0])!r} in {data}); the ids must be those of the pairs"
        )
    features = read.of_ids(present, ids)
    notes = [f"{role} features of {path.name}: {features}", *left_out]
    notes += _gaps(features, role, len(missing), len(present) - len(ids) + len(missing))
    if lost := int(read_ids.missing.sum()):
        notes.append(f"{counted(lost, 'row')} of {path.name} without {role} id dropped")
    return features, notes


def _table(path: Path) -> tuple[Words, "list[pd.Series[str]]"]:
    """The header as it stands, and the columns as text.

    Raises DataError for lines of other lengths, for a file without rows, and for a header with a
    name twice.
    """
    separator, _ = separator_of(path, first_line(path))
    # Between tabs a quote is a letter as any other.
    mark = "\t" if separator == "::" else separator
    quoting: Literal[0, 3] = csv.QUOTE_NONE if mark == "\t" else csv.QUOTE_MINIMAL
    try:
        text = text_bytes(path, "save it as UTF-8 text").decode()
        lines = io.StringIO(text.replace("::", mark) if separator == "::" else text, newline="")
        table = [row for row in csv.reader(lines, delimiter=mark, quoting=quoting) if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a table of UTF-8 text ({error})") from None
    header, rows = table[0], table[1:]
    if not rows or len(header) < 2:
        raise DataError(
            f"{path} must have a header, rows, and a column beside the ids; it has "
            f"{counted(len(table), 'line')} and {counted(len(header), 'column')}"
        )
    for at, row in enumerate(rows):
        if len(row) != len(header):
            fields = f"{counted(len(row), 'field')} for {counted(len(header), 'column')}"
            raise _row_error(
                path, at, f"a row must have as many fields as the header; got {fields}"
            )
    if len(set(plain_names(header))) < len(header):
        raise DataError(f"{path}: columns must have different names; got {', '.join(header)}")
    return header, [pd.Series(column, dtype=str) for column in zip(*rows, strict=True)]


def _id_column(header: Words, role: str, given: str | None, where: str) -> int:
    names = plain_names(header)
    if given in names:
        return names.index(given)
    usual = ["id", *USUAL[role].split()]
    hits = [at for at, each in enumerate(names) if each.lower().replace(" ", "_") in usual]
    if len(hits) == 1 or hits[:1] == [0]:
        return hits[0]
    what = "could each be" if hits else "is none of"
    listed = " and ".join(names[at] for at in hits) or ", ".join(names)
    raise UserError(
        f"{where}: one column must hold the {role} ids, and {listed} {what} it; call it {role}_id"
    )


def _refuse_twins(path: Path, ids: Words, role: str) -> None:
    twice = pd.Index(ids).duplicated()
    if twice.any():
        raise DataError(
            f"{path}: each {role} must have one row; {ids[int(twice.argmax())]!r} has several "
            f"({counted(int(twice.sum()), 'row')} too many)"
        )


def _gaps(features: Features, role: str, without: int, unknown: int) -> list[str]:
    """Notes on ids and values that are missing: `without` ids have no row at all."""
    notes = []
    if without:
        has = "has" if without == 1 else "have"
        notes.append(
            f"{without:,} of {counted(len(features), role)} {has} no row there: no features"
        )
    if unknown:
        notes.append(f"{counted(unknown, 'row')} there of {role}s without a pair not read")
    missing = {each.name: int((each.codes.lengths == 0).sum()) for each in features.categorical}
    missing |= {each.name: int(np.isnan(each.values).sum()) for each in features.numeric}
    gaps = [f"{name} {n - without:,}" for name, n in missing.items() if n > without]
    if gaps:
        notes.append(
            f"{role}s without a value: {', '.join(gaps)} (zeros, or the train mean, there)"
        )
    return notes


def _row_error(
    path: Path, row: int, reason: str, rows: NDArray[np.intp] | None = None
) -> DataError:
    """The error for a row below the header, from 0, or a place among those `rows`."""
    number = (row if rows is None else int(rows[row])) + 1
    return DataError(f"{path}, row {number} below the header: {reason}; mend that row")
