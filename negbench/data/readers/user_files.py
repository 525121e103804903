"""The user's own data: one file in any usual form, or a folder of train, valid and test."""

from dataclasses import replace
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
FURTHER = ("test_", "test-")
"""How the names of further test files begin, as `test_ood.txt`: pairs of another distribution."""


def read(path: Path, columns: Columns | None = None) -> Interactions:
    """Read a file or a folder as interactions; guesses and dropped rows are in the notes.

    Raises UserError for a test file that is asked for of a single file.
    """
    columns = columns or Columns()
    name = path.name.split(".")[0] or path.name
    if path.is_dir():
        return with_features(_read_folder(path, name, columns), columns, path)
    if columns.test_file is not None:
        raise UserError(
            f"{path}: --test-file {columns.test_file} names a file of a folder of data and this is"
            " a file; give the folder, or leave it out"
        )
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
    files["test"], of_tests = _test_file(folder, files["test"], columns.test_file)
    if missing := [word for word in ("train", "test") if files[word] is None]:
        raise DataError(
            f"{folder}: a folder of data must hold train and test files (train.csv, test.csv and,"
            f" if you like, valid.csv; or {', '.join(ENDINGS[1:])}); there is no {missing[0]} file"
        )
    present = {word: file for word, file in files.items() if file is not None}
    read_parts = {word: read_rows(file, columns) for word, file in present.items()}
    if columns.layout == "sequences":
        data = users_apart(read_parts, present, name=name, source=str(folder))
        return replace(data, notes=(*data.notes, *of_tests))
    names = [file.name for file in present.values()]
    parts = matched_parts(list(read_parts.values()), names, str(folder))
    part = np.repeat(
        [np.int8(list(PARTS).index(word)) for word in present], [len(rows) for rows in parts]
    )
    rows = concatenated(parts)
    part, notes = _with_history(rows, part)
    timed = [rows.times is not None for rows in parts]
    notes = (f"already split: {', '.join(names)}", *of_tests, *dropped_times(names, timed), *notes)
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


def _test_file(
    folder: Path, usual: Path | None, asked: str | None
) -> tuple[Path | None, tuple[str, ...]]:
    """The test file of a folder, and a note on those that are not read.

    It is the one that was asked for, else `test`, else the one further test file that there is.
    Raises UserError if there is none of that name, or several to choose among.
    """
    further = [
        each
        for each in _data_files(folder)
        if any(word.startswith(FURTHER) for word in each.name.lower().split("."))
    ]
    tests = [*([usual] if usual else []), *further]
    if asked is not None:
        chosen = [each for each in tests if asked in _words(each.name)]
        if len(chosen) != 1:
            there = ", ".join(each.name for each in tests) or "none"
            raise UserError(
                f"{folder}: --test-file must name one of the test files there ({there});"
                f" got {asked!r}"
            )
    elif usual is None and len(further) > 1:
        names = " and ".join(each.name for each in further)
        raise UserError(
            f"{folder}: {names} could each be the test part; say which with --test-file"
            f" {_words(further[0].name)[0]}"
        )
    else:
        chosen = tests[:1]
    notes = [
        f"{each.name} is not read: all items that a user has not met are ranked"
        for each in _data_files(folder)
        if "not_candidate" in each.name.lower().split(".")
    ]
    if others := [each.name for each in tests if each not in chosen]:
        word = _words(others[0])[0]
        instead = f"--test-file {word} would rank {others[0]} in its place"
        notes.append(f"test is {chosen[0].name}; not read: {', '.join(others)} ({instead})")
    return (chosen[0] if chosen else None), tuple(notes)


def _words(name: str) -> tuple[str, ...]:
    """What names a test file, the usual one first: `test_ood`, in RecBole's `name.test_ood.inter`
    too, and the whole name with and without its ending."""
    plain = name.removesuffix(".gz")
    stem = plain.rpartition(".")[0]
    short = [each for each in stem.split(".") if each.lower().startswith("test")]
    return (*short[:1], stem, plain, name)


def _data_files(folder: Path) -> list[Path]:
    """The files of a folder whose ending is one of data, by name."""
    files = sorted(folder.iterdir())
    return [each for each in files if each.is_file() and ending_of(each) in ENDINGS]


def _part_file(folder: Path, words: tuple[str, ...]) -> Path | None:
    """The file of a part: `train.csv`, or RecBole's `name.train.inter`."""
    files = _data_files(folder)
    hits = [each for each in files if set(each.name.lower().split(".")[:-1]) & set(words)]
    if len(hits) > 1:
        names = " and ".join(each.name for each in hits)
        raise UserError(f"{folder}: {names} could each be the {words[0]} part; leave one there")
    return hits[0] if hits else None
