"""Adjacency lists, as LightGCN's files: `user item item ...` per line; and words with their lines.

`read_split_lists` loads a data set of train.txt and test.txt; the functions below it split a text
into words, for other readers too.
"""

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from negbench.data.download.file_cache import LocalFiles
from negbench.data.interactions import Interactions
from negbench.data.readers.text_file import text_bytes
from negbench.data.reindex import first_of_each_pair
from negbench.data.shared_pairs import notes_of_dropped
from negbench.errors import DataError

SPARSE = 100_000
"""Ids up to here may have gaps; beyond, at least one in ten must occur."""
LONGEST = 1000
"""Most letters of a word."""
PIECE = 1 << 20
"""Bytes of a text that are cut into words at once."""
SPACE = np.frombuffer(b" \t\n\r\v\f", np.uint8)
Word = TypeVar("Word", bound=np.generic)


def read_split_lists(local: LocalFiles, *, name: str, source: str) -> Interactions:
    """Load `train.txt` and `test.txt` as parts 0 and 2; the ids count from 0 and are kept.

    Raises DataError if a file is empty or an id is far beyond the number of ids.
    """
    train_users, train_items = read_numbers(local["train.txt"])
    test_users, test_items = read_numbers(local["test.txt"])
    users = np.concatenate([train_users, test_users])
    items = np.concatenate([train_items, test_items])
    if not (len(train_users) and len(test_users)):
        raise DataError(f"{name}: train.txt and test.txt must both hold a user with an item")
    for ids, what in ((users, "user"), (items, "item")):
        _refuse_far_ids(name, ids, what)
    n_items = int(items.max()) + 1
    first = first_of_each_pair(users, items, n_items, None)
    part = np.repeat(np.array([0, 2], np.int8), [len(train_users), len(test_users)])
    dropped = notes_of_dropped(users * n_items + items, first, "first", part, noun="pairs")
    return Interactions(
        name=name,
        users=users[first],
        items=items[first],
        n_users=int(users.max()) + 1,
        n_items=n_items,
        part=part[first],
        source=source,
        notes=(
            *local.notes,
            "split into train and test by the authors of the lists",
            *dropped,
        ),
    )


def read_numbers(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Users and items [n] of lists whose ids are numbers from 0."""
    words, lines = read_words(path)
    return as_pairs(whole_numbers(path, words, lines), lines)


def read_matrix(path: Path) -> NDArray[np.int64]:
    """A matrix of whole numbers written as text, a row per line.

    Raises DataError if the lines differ in length.
    """
    words, lines = read_words(path)
    counts = np.bincount(lines)
    counts = counts[counts > 0]
    if not len(counts) or (counts != counts[0]).any():
        raise DataError(f"{path}: every line must have as many numbers; this is no matrix")
    return whole_numbers(path, words, lines).reshape(len(counts), -1)


def read_words(path: Path) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """Every word of a file and its line number, from 1.

    Raises DataError for a word beyond LONGEST.
    """
    blob = text_bytes(path, "save it as UTF-8")
    try:
        return split_words(blob)
    except OverflowError as error:
        raise DataError(f"{path}, {error}; it holds no lists") from None


def split_words(blob: bytes) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """Every word of a text and its line number, from 1.

    OverflowError for a word beyond LONGEST: all words take the room of the longest.
    """
    pieces, start, line = [(np.empty(0, "S1"), np.empty(0, np.int64))], 0, 1
    while start < len(blob):  # a word takes some ten times its room while it is cut out
        end = blob.find(b"\n", start + PIECE) + 1 or len(blob)
        pieces.append(_split_piece(blob[start:end], line))
        start, line = end, line + blob.count(b"\n", start, end)
    words, lines = (np.concatenate(each) for each in zip(*pieces, strict=True))
    return words, lines


def as_pairs(words: NDArray[Word], lines: NDArray[np.int64]) -> tuple[NDArray[Word], NDArray[Word]]:
    """The user and the item of every pair, in the order of the file: a line's first word is the
    user of the others."""
    heads = np.ones(len(words), bool)
    heads[1:] = lines[1:] != lines[:-1]
    owner = np.cumsum(heads) - 1
    return words[heads][owner[~heads]], words[~heads]


def whole_numbers(
    path: Path, words: NDArray[np.bytes_], lines: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Words [n] as numbers from 0 on.

    Raises DataError, with its line, for the first word that is none.
    """
    bad = ~np.char.isdigit(words) | (np.char.str_len(words) > 18)
    if len(words) and bad.any():
        at = int(bad.argmax())
        seen = words[at][:40].decode(errors="replace")
        raise DataError(
            f"{path}, line {lines[at]}: {seen!r} must be a number;"
            " the file is not in the official layout"
        )
    return words.astype(np.int64)


def _split_piece(piece: bytes, line: int) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """The words of whole lines, the first of which has the number `line`."""
    letters = np.frombuffer(piece, np.uint8)
    starts = ~np.isin(letters, SPACE)
    starts[1:] &= np.isin(letters[:-1], SPACE)
    lines = np.cumsum(letters == ord("\n"), dtype=np.int64)[starts] + line
    words = piece.split()
    if (longest := max(map(len, words), default=0)) > LONGEST:
        at = next(at for at, word in enumerate(words) if len(word) == longest)
        raise OverflowError(f"line {lines[at]}: a word of {longest} letters")
    return np.array(words or [b""])[: len(lines)], lines


def _refuse_far_ids(name: str, ids: NDArray[np.int64], what: str) -> None:
    """Ids count from 0 and size the tables, so a far one would fill the memory."""
    there, last = len(np.unique(ids)), int(ids.max())
    if last >= max(SPARSE, 10 * there):
        raise DataError(
            f"{name}: ids must count from 0; {what} {last} stands among {there} different ones;"
            " the files are not in the official layout"
        )
