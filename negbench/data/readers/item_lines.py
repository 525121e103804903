"""Text files of lists and sequences: a user's items on each line, with or without the user.

What a line is can be told from its looks only in part: where lists, sequences and columns look
alike, the layout must be named.
"""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.interactions import Order
from negbench.data.raw_rows import RawRows
from negbench.data.readers.adjacency_lists import as_pairs, split_words
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.table_rows import table_rows
from negbench.data.readers.text_file import text_bytes
from negbench.errors import DataError, UserError

Words = NDArray[np.bytes_]
Lines = NDArray[np.int64]

PAIRED = re.compile(rb"[0-9]+:-?[0-9]+(\.[0-9]+)?")
"""An item with a value, as 5:1.0 in the files of libsvm."""
TOP = 1 << 16
"""Bytes that are looked at to see what parts words."""
SEEN = 1000
"""Words that are looked at to see what they are."""
WAYS = (
    "--layout pairs --user 1 --item 2 reads columns, --layout lists a user and the user's items on"
    " each line, --layout sequences one user's items in order on each line"
)


def read_lines(path: Path, columns: Columns) -> RawRows:
    """Read lines of lists, or of sequences if so told; words stand apart by blanks, tabs or commas.

    Raises UserError if the lines may as well be something else.
    """
    if columns.named or columns.min_rating is not None:
        given = next(iter(columns.named), "min-rating")
        raise UserError(
            f"{path}: lines of items have no columns, so --{given} names none; leave it out, or"
            " read columns with --layout pairs"
        )
    if columns.order == "time":
        raise UserError(f"{path}: lines of items hold no times; leave out --order time")
    words, lines = _words(path)
    if not len(words):
        raise DataError(f"{path} is empty; there is nothing to read")
    _refuse_other_lines(path, words, lines)
    order: Order | None = "none" if columns.order == "none" else None
    if columns.order == "rows":
        order = "rows"
    if columns.layout == "sequences":
        known, at = np.unique(lines, return_inverse=True)
        users, items = known.astype("S")[at], words
        note = "read as sequences: a user's items in order on each line, users named by their line"
        order = order or "rows"
    else:
        if columns.layout is None:
            _refuse_ambiguous(path, words, lines)
        users, items = as_pairs(words, lines)
        note = "read as lists: a user and the user's items on each line"
    if not len(users):
        raise DataError(f"{path}: every line has one word; a line must be a user and its items")
    if len(users) == len(words) - len(users) and order is None:
        note += "; no order is known: --order rows if they are in time order"
    used = {"user": _text(path, users), "item": _text(path, items)}
    at = lines if columns.layout == "sequences" else as_pairs(lines, lines)[0]
    options = Columns(order=columns.order)
    rows = table_rows(used, options, partial(_row_error, path, at), (note,))
    return replace(rows, order=order)


def _words(path: Path) -> tuple[Words, Lines]:
    blob = text_bytes(path, "save it as UTF-8")
    if b"\r" in blob:  # the line ends of old files
        blob = blob.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if blob.lstrip()[:1] == b"[":
        blob = blob.translate(bytes.maketrans(b'[]"', b"   "))
    top = blob[: blob.rfind(b"\n", 0, TOP) + 1 or len(blob)]
    if separator := _separator(path, top.split(b"\n")):
        blob = blob.replace(separator, b" ")
    try:
        return split_words(blob)
    except OverflowError as error:
        raise DataError(f"{path}, {error}; it holds no lists") from None


def _separator(path: Path, lines: list[bytes]) -> bytes:
    """What parts the words of every line beside tabs; empty where it is blanks."""
    for mark in (b",", b";", b"|"):
        several = [line for line in lines if len(line.replace(mark, b" ").split()) > 1]
        if several and all(mark in line for line in several):
            if any(b" " in field.strip() for line in several for field in line.split(mark)):
                raise UserError(
                    f"{path}: words stand apart by {mark.decode()!r} and by blanks; separate them"
                    " by one of the two"
                )
            return mark
    return b""


def _refuse_other_lines(path: Path, words: Words, lines: Lines) -> None:
    """Refuse comments on top, and items with values."""
    heads = words[np.r_[True, lines[1:] != lines[:-1]]]
    mark = heads[0][:1]
    if mark in (b"#", b"%") and not any(each.startswith(mark) for each in heads[-1:]):
        raise UserError(
            f"{path}, line {lines[0]}: the line is a comment ({mark.decode()}) and no user with"
            " items; delete the comments on top"
        )
    some = as_pairs(words[:SEEN], lines[:SEEN])[1]
    if len(some) and all(PAIRED.fullmatch(each) for each in some.tolist()):
        raise UserError(
            f"{path}: each item has a value, as {some[0][:40].decode(errors='replace')}; write the"
            " items alone, or a table with a column of ratings"
        )


def _refuse_ambiguous(path: Path, words: Words, lines: Lines) -> None:
    """Refuse lines that may be columns or sequences.

    Lists name a user once; the lines of a table have as many fields, and a column of its own kind.
    The first words of sequences are items too.
    """
    first = np.r_[True, lines[1:] != lines[:-1]]
    heads, items = words[first], words[~first]
    per_line = np.diff(np.r_[np.flatnonzero(first), len(words)])
    width = int(per_line[0])
    square = width > 2 and bool((per_line == width).all())
    if square and len(heads) > 1 and not _numbers(words[:width]).any():
        if _numbers(words[width:]).all():
            raise UserError(f"{path}: the first line is a header of columns; {WAYS}")
    again = len(np.unique(heads)) < len(heads)
    if square and (again or _other_kind(words.reshape(-1, width))):
        why = f"every line has {width} words" + (" and users come back" if again else "")
        raise UserError(f"{path}: {why}, so these may be columns, lists or sequences; {WAYS}")
    if width > 2 and not square and again:
        raise UserError(
            f"{path}: first words come back, so these may be lists or sequences; {WAYS}"
        )
    ragged = not square and int(per_line.max()) > 2
    if ragged and (again or (not _rising(heads) and np.isin(heads, items).all())):
        raise UserError(
            f"{path}: the first words are items of other lines too, so these may be lists or"
            f" sequences; {WAYS}"
        )


def _other_kind(rows: Words) -> bool:
    """Whether the last columns hold ratings or stamps where the second holds items."""
    texts = pd.DataFrame(np.char.decode(rows[:, 1:], "latin-1"))
    numbers = texts.apply(pd.to_numeric, errors="coerce")
    low, high = numbers.abs().min().to_numpy(), numbers.abs().max().to_numpy()
    if np.isnan(low).any() or len(rows) < 2:
        return False
    stamps = (low[1:] > 1e8) & (high[0] < 1e8)
    ratings = (high[1:] <= 10) & (high[0] > 10) & (len(rows) > 10)
    return bool((stamps | ratings).any())


def _numbers(words: Words) -> NDArray[np.bool_]:
    """Which words begin as a number does."""
    begins = words.astype("S1")
    return np.asarray(np.char.isdigit(begins) | (begins == b"-"), bool)


def _rising(heads: Words) -> bool:
    """Whether the first words are sorted, as numbers or as text."""
    if np.char.isdigit(heads).all() and np.char.str_len(heads).max() < 18:
        heads = heads.astype(np.int64)
    return bool((heads[1:] > heads[:-1]).all())


def _text(path: Path, words: Words) -> "pd.Series[str]":
    try:
        return pd.Series(np.char.decode(words, "utf-8").astype(object))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from None


def _row_error(path: Path, lines: Lines, row: int, reason: str, remedy: str) -> DataError:
    todo = remedy or "mend that line"
    return DataError(f"{path}, line {lines[row]}: {reason}; {todo}")
