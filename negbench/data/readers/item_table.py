"""A table of items: an id a row and any other columns, as title, genre or seller."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from negbench.data.download.checksums import UNREADABLE
from negbench.data.readers.column_roles import USUAL, plain_names
from negbench.data.readers.delimited import first_line, separator_of
from negbench.data.readers.line_errors import Layout
from negbench.data.readers.user_files import PARQUET, ending_of
from negbench.errors import DataError, UserError, did_you_mean

TITLES = ("title", "name", "item_name", "movie_title", "book_title", "product_name")
FEWEST = 0.5
"""An item table that knows a smaller share of the items is likely to have other ids."""


@dataclass(frozen=True, eq=False)
class ItemTable:
    """The columns of a file by the ids of its items, all as text."""

    path: Path
    frame: pd.DataFrame
    """The columns, indexed by id."""

    def column(self, name: str, item_ids: Sequence[Any]) -> list[str]:
        """The values of a column for these items; empty for an item that the table lacks.

        Raises UserError if the table has no such column, or knows less than half of the items.
        """
        known = [str(each) for each in self.frame.columns]
        match = {each.lower(): each for each in known}.get(name.strip().lower())
        if match is None:
            near = did_you_mean(name, known)
            raise UserError(f"--group must be a column of {self.path}; got {name!r}; {near}")
        ids = [str(each) for each in item_ids]
        known_ids = self.frame.index.intersection(ids)
        if len(known_ids) < FEWEST * len(ids):
            raise UserError(
                f"{self.path}: a table of items must know at least half of the items of the data; "
                f"it knows {len(known_ids):,} of {len(ids):,}; write ids as in the data"
            )
        values: list[str] = self.frame[match].reindex(ids).fillna("").astype(str).tolist()
        return values

    def titles(self, item_ids: Sequence[Any]) -> list[str]:
        """The titles of these items; [] where no column is called title or name."""
        lower = {str(each).lower(): str(each) for each in self.frame.columns}
        name = next((lower[word] for word in TITLES if word in lower), None)
        return [] if name is None else self.column(name, item_ids)


def read_item_table(path: Path) -> ItemTable:
    """Read a csv, tsv or parquet file; the column of ids has a usual name, or is the first.

    Between tabs a quote is a letter as any other, as in tables of pairs and of features, but for
    the two around a field. Raises DataError if it cannot be read, or an id comes twice.
    """
    if not path.is_file():
        raise DataError(f"--items must be a file with a row for each item; {path} is not there")
    frame = _read(path)
    names = plain_names([str(each) for each in frame.columns])
    frame.columns = pd.Index(names)
    usual = USUAL["item"].split()
    ids = next((name for name in names if name.lower() in usual), names[0])
    frame = frame.astype(object).where(frame.notna(), "").astype(str).set_index(ids)
    frame.index = frame.index.str.strip()
    if frame.index.has_duplicates:
        twice = frame.index[frame.index.duplicated()][0]
        raise DataError(f"{path}: each item has one row; {ids} {twice} has several; leave one")
    return ItemTable(path, frame)


def _read(path: Path) -> pd.DataFrame:
    try:
        if ending_of(path) in PARQUET:
            return pd.read_parquet(path)
        separator, _ = separator_of(path, first_line(path))
        quoting = Layout(path, separator, header=True, width=0).quoting
        frame = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            na_filter=False,
            encoding="utf-8-sig",
            engine="python",
            quoting=quoting,
        )
        return frame.map(_unquoted) if quoting == csv.QUOTE_NONE else frame
    except ImportError:
        raise UserError(
            f"{path}: parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`"
        ) from None
    except (ValueError, csv.Error, *UNREADABLE) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{path} cannot be read as a table of items ({reason})") from None


def _unquoted(field: Any) -> Any:
    """A field without the quotes around it; those inside are doubled there."""
    if isinstance(field, str) and len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"')
    return field
