"""The user's own data: one file in any usual form, or a folder of train, valid and test."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from negbench.data.fold_in import FOLD_IN, TRAIN
from negbench.data.interactions import Interactions
from negbench.data.number_words import counted
from negbench.data.raw_rows import RawRows, concatenated
from negbench.data.readers.column_roles import Columns, is_usual
from negbench.data.readers.delimited import first_line, read_table, separator_of
from negbench.data.readers.feature_files import with_features
from negbench.data.readers.item_lines import read_lines
from negbench.data.readers.line_errors import BLANKS
from negbench.data.readers.parquet import read_parquet
from negbench.data.readers.part_ids import matched_parts
from negbench.data.readers.split_sequences import users_apart
from negbench.data.readers.timestamps import dropped_times
from negbench.data.reindex import reindex
from negbench.errors import DataError, UserError

PARQUET = (".parquet", ".pq")
PLAIN = (".txt", ".dat", ".data", ".list")
TABLES = (".csv", ".tsv", ".tab", ".inter")
ENDINGS = (*TABLES, *PLAIN, *PARQUET)
PARTS = {"train": ("train",), "valid": ("valid", "validation", "val"), "test": ("test",)}


def read(path: Path, columns: Columns | None = None) -> Interactions:
    """Read a file or a folder as interactions; guesses and dropped rows are in the notes."""
    columns = columns or Columns()
    name = path.name.split(".")[0] or path.name
    if path.is_dir():
        return with_features(_read_folder(path, name, columns), columns, path)
    rows = read_rows(path, columns)
    data = reindex(rows, name=name, min_rating=columns.min_rating, source=str(path))
    return with_features(data, columns, path)


def read_rows(path: Path, columns: Columns) -> RawRows:
    """Read the rows of one file, by its ending and, where told, its layout.

    Raises UserError for an unknown ending.
    """
    ending = ending_of(path)
    if ending in PARQUET:
        return read_parquet(path, columns)
    if ending not in (*TABLES, *PLAIN):
        raise UserError(
            f"{path}: a file must end in {', '.join(ENDINGS)}, with or without .gz;"
            f" got {ending or 'no ending'}"
        )
    separator, _ = separator_of(path, first := first_line(path))
    parted = separator in first
    if columns.layout in ("lists", "sequences"):
        if _names_columns(first.replace(separator, " ")):
            raise UserError(
                f"{path}: the first line names columns, so the lines are no {columns.layout}; leave"
                f" out --layout {columns.layout}"
            )
        return read_lines(path, columns)
    if parted:
        return read_table(path, columns)
    if columns.layout or columns.named or columns.min_rating is not None or _names_columns(first):
        return read_table(path, columns, BLANKS)
    return read_lines(path, columns) if ending in PLAIN else read_table(path, columns)


def ending_of(path: Path) -> str:
    """A file's ending in small letters, that below `.gz` for a compressed one."""
    last = path.suffix.lower()
    return path.with_suffix("").suffix.lower() if last == ".gz" else last


def _names_columns(first: str) -> bool:
    """Whether a line of words is a header, and no comment: two usual names or more."""
    return not first.startswith(("#", "%")) and sum(is_usual(word) for word in first.split()) > 1


def _read_folder(folder: Path, name: str, columns: Columns) -> Interactions:
    files = {word: _part_file(folder, words) for word, words in PARTS.items()}
    if missing := [word for word in ("train", "test") if files[word] is None]:
        raise DataError(
            f"{folder}: a folder of data must hold train and test files (train.csv, test.csv and,"
            f" if you like, valid.csv; or {', '.join(ENDINGS[1:])}); there is no {missing[0]} file"
        )
    present = {word: file for word, file in files.items() if file is not None}
    read_parts = {word: read_rows(file, columns) for word, file in present.items()}
    if columns.layout == "sequences":
        return users_apart(read_parts, present, name=name, source=str(folder))
    names = [file.name for file in present.values()]
    parts = matched_parts(list(read_parts.values()), names, str(folder))
    part = np.repeat(
        [np.int8(list(PARTS).index(word)) for word in present], [len(rows) for rows in parts]
    )
    rows = concatenated(parts)
    part, notes = _with_history(rows, part)
    timed = [rows.times is not None for rows in parts]
    notes = (f"already split: {', '.join(names)}", *dropped_times(names, timed), *notes)
    return reindex(
        rows, name=name, min_rating=columns.min_rating, part=part, source=str(folder), notes=notes
    )


def _with_history(
    rows: RawRows, part: NDArray[np.int8]
) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    """The parts with the histories of valid and test sessions moved to where they are read.

    They belong to train; where most of the users are in no train file, they are folded in.
    """
    if rows.history is None:
        return part, ()
    moved = rows.history & (part != TRAIN)
    later = rows.users[part != TRAIN].unique()
    trained = later.isin(rows.users[part == TRAIN])
    to = TRAIN if 2 * trained.sum() >= len(later) else FOLD_IN
    where = "train" if to == TRAIN else "the history of users who are not trained on"
    note = f"{counted(int(moved.sum()), 'row')} of valid and test histories belong to {where}"
    return np.where(moved, np.int8(to), part), ((note,) if moved.any() else ())


def _part_file(folder: Path, words: tuple[str, ...]) -> Path | None:
    """The file of a part: `train.csv`, or RecBole's `name.train.inter`."""
    hits = [
        each
        for each in sorted(folder.iterdir())
        if each.is_file()
        and ending_of(each) in ENDINGS
        and set(each.name.lower().split(".")[:-1]) & set(words)
    ]
    if len(hits) > 1:
        names = " and ".join(each.name for each in hits)
        raise UserError(f"{folder}: {names} could each be the {words[0]} part; leave one there")
    return hits[0] if hits else None
