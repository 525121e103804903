"""The user's own data: one file in any usual form, or a folder of train, valid and test."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows, concatenated, raw_ids
from negbench.data.readers.adjacency_lists import as_pairs, read_words
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.delimited import first_line, read_table, separator_of
from negbench.data.readers.parquet import read_parquet
from negbench.data.reindex import reindex
from negbench.errors import DataError, UserError

Words = NDArray[np.bytes_]

PARQUET = (".parquet", ".pq")
PLAIN = (".txt", ".dat", ".data", ".list")
TABLES = (".csv", ".tsv", ".tab", ".inter")
ENDINGS = (*TABLES, *PLAIN, *PARQUET)
PARTS = (("train",), ("valid", "validation", "val"), ("test",))


def read(path: Path, columns: Columns | None = None) -> Interactions:
    """Read a file or a folder as interactions; guesses and dropped rows are in the notes."""
    columns = columns or Columns()
    name = path.name.split(".")[0]
    if path.is_dir():
        return _read_folder(path, name, columns)
    rows = read_rows(path, columns)
    return reindex(rows, name=name, min_rating=columns.min_rating, source=str(path))


def read_rows(path: Path, columns: Columns) -> RawRows:
    """Read the rows of one file, by its ending.

    Raises UserError for an unknown ending.
    """
    ending = _ending(path)
    if ending in PARQUET:
        return read_parquet(path, columns)
    if ending in TABLES:
        return read_table(path, columns)
    if ending not in PLAIN:
        raise UserError(
            f"{path}: a file must end in {', '.join(ENDINGS)}, with or without .gz;"
            f" got {ending or 'no ending'}"
        )
    separator, _ = separator_of(path, first := first_line(path))
    return read_table(path, columns) if separator in first else _read_lists(path, columns)


def _ending(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _read_lists(path: Path, columns: Columns) -> RawRows:
    if columns.named or columns.min_rating is not None:
        raise UserError(
            f"{path}: its fields are separated by spaces, so it is read as lists and has no"
            " columns to name; separate the fields by tab or comma"
        )
    words, lines = read_words(path)
    _refuse_ambiguous(path, words, lines)
    users, items = as_pairs(words, lines)
    if not len(users):
        raise DataError(f"{path}: every line has one word; a line must be a user and its items")
    note = "read as lists: a user and the user's items on each line"
    try:
        return RawRows(_text(users), _text(items), notes=(note,))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from None


def _refuse_ambiguous(path: Path, words: Words, lines: NDArray[np.int64]) -> None:
    """Refuse lines of 3 or 4 words with repeated first words: they may be lists or columns."""
    per_line = np.unique(lines, return_counts=True)[1]
    heads = words[np.r_[True, lines[1:] != lines[:-1]]]
    if (
        per_line[0] in (3, 4)
        and (per_line == per_line[0]).all()
        and len(np.unique(heads)) < len(heads)
    ):
        raise UserError(
            f"{path}: every line has {per_line[0]} words and users come back, so these may be"
            " columns or lists; separate columns by tab or comma and name them,"
            " as in --user 1 --item 2"
        )


def _text(words: Words) -> pd.Index:
    return raw_ids(np.char.decode(words, "utf-8").astype(object))


def _read_folder(folder: Path, name: str, columns: Columns) -> Interactions:
    files = [_part_file(folder, words) for words in PARTS]
    if files[0] is None or files[2] is None:
        missing = "train" if files[0] is None else "test"
        raise DataError(
            f"{folder}: a folder of data must hold train and test files (train.csv, test.csv and,"
            f" if you like, valid.csv; or {', '.join(ENDINGS[1:])}); there is no {missing} file"
        )
    present = [(number, file) for number, file in enumerate(files) if file is not None]
    parts = [read_rows(file, columns) for _, file in present]
    part = np.concatenate(
        [
            np.full(len(rows), number, np.int8)
            for (number, _), rows in zip(present, parts, strict=True)
        ]
    )
    rows = concatenated(parts)
    note = f"already split: {', '.join(file.name for _, file in present)}"
    return reindex(
        rows, name=name, min_rating=columns.min_rating, part=part, source=str(folder), notes=(note,)
    )


def _part_file(folder: Path, words: tuple[str, ...]) -> Path | None:
    """The file of a part: `train.csv`, or RecBole's `name.train.inter`."""
    hits = [
        each
        for each in sorted(folder.iterdir())
        if each.is_file()
        and _ending(each) in ENDINGS
        and set(each.name.split(".")[:-1]) & set(words)
    ]
    if len(hits) > 1:
        names = " and ".join(each.name for each in hits)
        raise UserError(f"{folder}: {names} could each be the {words[0]} part; leave one there")
    return hits[0] if hits else None
