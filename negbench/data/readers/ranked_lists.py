"""Recommended lists that another program wrote: csv, parquet, or the run format of TREC.

csv, parquet   a user, an item and, if there is one, a rank or a score a row; without both the
               rows of a user are in their order
TREC           `user Q0 item rank score tag`, of one tag; by falling score, as trec_eval reads it,
               but for scores that are equal in single precision: trec_eval has those by falling
               item, and here they stand as in the file
"""

import csv
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.number_words import counted
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.readers.column_roles import Columns, plain_names
from negbench.data.readers.delimited import first_line, separator_of
from negbench.data.readers.table_rows import ORDERED
from negbench.data.readers.user_files import PARQUET, ending_of, read_rows
from negbench.errors import DataError, UserError

RANKS = ("rank", "position", "pos", "place")
SCORES = ("score", "prediction", "pred", "relevance", "similarity")
"""Usual names of the column that orders a list: by rising rank, or by falling score."""
TREC_FIELDS = ("user", "iteration", "item", "rank", "score", "tag")


@dataclass(frozen=True, eq=False)
class RankedRows:
    """The rows of all lists, those of a user in the order of his list."""

    rows: RawRows
    how: str
    """What ordered them, for a note."""


def read_lists(path: Path, columns: Columns | None = None) -> RankedRows:
    """Read the lists of a file.

    Raises DataError if it cannot be read or an order is no number, and UserError for columns in
    doubt, or lists of several systems in one file.
    """
    if not path.is_file():
        raise DataError(f"--recs must be a file of lists; {path} is not there")
    if ending_of(path) not in PARQUET and _is_trec(first_line(path)):
        return _read_trec(path)
    column, falling = _order_column(path)
    given = columns or Columns()
    asked = replace(given, rating=column, layout="pairs", order="none")
    if column is None:
        asked = replace(asked, rating=None)
    rows = read_rows(path, asked)
    notes = tuple(note for note in rows.notes if note != ORDERED["none"])
    rows = replace(rows, notes=notes)
    if column is None or rows.ratings is None:
        return RankedRows(replace(rows, ratings=None), "the order of its rows")
    if np.isnan(rows.ratings).any():
        raise DataError(
            f"{path}: the column {column} orders the lists, so it must hold a number in each row; "
            f"{counted(int(np.isnan(rows.ratings).sum()), 'row')} of {len(rows):,} hold none"
        )
    keys = -rows.ratings if falling else rows.ratings
    if not falling:
        _refuse_several(rows, path, column)
    return RankedRows(_ordered(rows, keys), f"{'falling' if falling else 'rising'} {column}")


def _is_trec(line: str) -> bool:
    fields = line.split()
    return len(fields) == len(TREC_FIELDS) and fields[1].upper() == "Q0"


def _read_trec(path: Path) -> RankedRows:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=r"\s+",
                header=None,
                names=list(TREC_FIELDS),
                dtype=str,
                quoting=csv.QUOTE_NONE,
                na_filter=False,
                index_col=False,
            )
        scores = np.asarray(frame["score"].astype(float), np.float64)
        if np.isnan(scores).any():
            raise ValueError("a score is NaN, which orders nothing")
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"{path}: a TREC run has `user Q0 item rank score tag` on each line; "
            f"it has not ({reason})"
        ) from None
    if (tags := frame["tag"].unique()).size > 1:
        raise UserError(
            f"{path}: a file of lists must be of one system; it has the tags {tags[0]} and "
            f"{tags[1]}; write one file each"
        )
    rows = RawRows(raw_ids(frame["user"].tolist()), raw_ids(frame["item"].tolist()))
    how = "falling score, as trec_eval reads a TREC run"
    if pd.DataFrame({"user": frame["user"], "score": scores.astype(np.float32)}).duplicated().any():
        how = "falling score, equal ones as they stand in the file (trec_eval: by falling item)"
    return RankedRows(_ordered(rows, -scores), how)


def _order_column(path: Path) -> tuple[str | None, bool]:
    """The column that orders the lists, as the file spells it, and whether its values fall."""
    names = _names(path)
    plain = [name.strip().lower() for name in names]
    for usual, falling in ((RANKS, False), (SCORES, True)):
        for name, word in zip(names, plain, strict=True):
            if word in usual:
                return name, falling
    return None, False


def _names(path: Path) -> list[str]:
    """The names of the columns; the fields of the first row where a file has no header."""
    if ending_of(path) in PARQUET:
        try:
            import pyarrow.parquet

            return list(pyarrow.parquet.read_schema(path).names)
        except (ImportError, OSError, ValueError):
            return []  # the reader of the rows says what is wrong
    line = first_line(path)
    separator, _ = separator_of(path, line)
    return plain_names(next(csv.reader([line], delimiter=separator[:1])))


def _ordered(rows: RawRows, keys: NDArray[np.float64]) -> RawRows:
    """The rows by user, and by rising key within a user; equal keys keep the order of the file."""
    users, _ = pd.factorize(rows.users)
    order = np.lexsort((keys, users))
    return replace(rows, users=rows.users[order], items=rows.items[order], ratings=None)


def _refuse_several(rows: RawRows, path: Path, column: str) -> None:
    """Raises UserError where users have two items at one rank: the lists of two systems."""
    users, ids = pd.factorize(rows.users)
    again = pd.DataFrame({"user": users, "rank": rows.ratings}).duplicated().to_numpy()
    if 2 * again.sum() >= len(ids):
        at = int(again.argmax())
        raise UserError(
            f"{path}: a file of lists must be of one system, with one item at a rank; user "
            f"{rows.users[at]} has {column} {rows.ratings[at]:g} twice; write one file each"  # type: ignore[index]
        )
