"""Lists as LightGCN's files have them: a line is a user and, after it, the user's items."""

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from negbench.data.download.file_cache import Found
from negbench.data.interactions import Interactions
from negbench.data.readers.text_file import text_bytes
from negbench.data.reindex import earliest
from negbench.errors import DataError

LONGEST = 1000
"""Letters of a word."""
PIECE = 1 << 20
"""Bytes of a text that are cut into words at once."""
Word = TypeVar("Word", bound=np.generic)
SPACE = np.frombuffer(b" \t\n\r\v\f", np.uint8)


def read_words(path: Path) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """Every word of a file and the line it stands in, from 1."""
    blob = text_bytes(path, "save it as UTF-8")
    try:
        return words_of(blob)
    except OverflowError as error:
        raise DataError(f"{path}, {error}; it holds no lists") from None


def words_of(blob: bytes) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """Every word of a text and the line it stands in, from 1.

    OverflowError for a word beyond LONGEST: all words take the room of the longest.
    """
    found, start, line = [(np.empty(0, "S1"), np.empty(0, np.int64))], 0, 1
    while start < len(blob):  # a word takes some ten times its room while it is cut out
        end = blob.find(b"\n", start + PIECE) + 1 or len(blob)
        found.append(_words(blob[start:end], line))
        start, line = end, line + blob.count(b"\n", start, end)
    words, lines = (np.concatenate(each) for each in zip(*found, strict=True))
    return words, lines


def _words(piece: bytes, line: int) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """The words of whole lines, of which the first has the number `line`."""
    letters = np.frombuffer(piece, np.uint8)
    starts = ~np.isin(letters, SPACE)
    starts[1:] &= np.isin(letters[:-1], SPACE)
    lines = np.cumsum(letters == ord("\n"), dtype=np.int64)[starts] + line
    words = piece.split()
    if (longest := max(map(len, words), default=0)) > LONGEST:
        at = next(at for at, word in enumerate(words) if len(word) == longest)
        raise OverflowError(f"line {lines[at]}: a word of {longest} letters")
    return np.array(words or [b""])[: len(lines)], lines


def as_pairs(words: NDArray[Word], lines: NDArray[np.int64]) -> tuple[NDArray[Word], NDArray[Word]]:
    """The user and the item of every pair, in the order of the file."""
    heads = np.ones(len(words), bool)
    heads[1:] = lines[1:] != lines[:-1]
    owner = np.cumsum(heads) - 1
    return words[heads][owner[~heads]], words[~heads]


def read_numbers(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Users and items of lists whose ids are numbers from 0."""
    words, lines = read_words(path)
    return as_pairs(whole_numbers(path, words, lines), lines)


def whole_numbers(
    path: Path, words: NDArray[np.bytes_], lines: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The words as numbers from 0 on; the first that is none is an error with its line."""
    bad = ~np.char.isdigit(words) | (np.char.str_len(words) > 18)
    if len(words) and bad.any():
        at = int(bad.argmax())
        seen = words[at][:40].decode(errors="replace")
        raise DataError(
            f"{path}, line {lines[at]}: {seen!r} must be a number;"
            " the file is not in the official layout"
        )
    return words.astype(np.int64)


def read_numbers_table(path: Path) -> NDArray[np.int64]:
    """A matrix of whole numbers written as text, a row per line."""
    words, lines = read_words(path)
    counts = np.bincount(lines)
    counts = counts[counts > 0]
    if not len(counts) or (counts != counts[0]).any():
        raise DataError(f"{path}: every line must have as many numbers; this is no matrix")
    return whole_numbers(path, words, lines).reshape(len(counts), -1)


SPARSE = 100_000
"""Ids up to here may have gaps; beyond, at least one in ten must be there."""


def given_lists(found: Found, *, name: str, source: str) -> Interactions:
    """`train.txt` and `test.txt` as parts 0 and 2; the ids count from 0 and are kept."""
    users, items = read_numbers(found["train.txt"])
    test_users, test_items = read_numbers(found["test.txt"])
    everyone = np.concatenate([users, test_users])
    everything = np.concatenate([items, test_items])
    if not (len(users) and len(test_users)):
        raise DataError(f"{name}: train.txt and test.txt must both hold a user with an item")
    for ids, what in ((everyone, "user"), (everything, "item")):
        _without_gaps(name, ids, what)
    width = int(everything.max()) + 1
    first = earliest(everyone, everything, width, None)
    part = np.repeat(np.array([0, 2], np.int8), [len(users), len(test_users)])
    repeats = len(everyone) - len(first)
    said = (f"{repeats:,} repeated (user, item) pairs dropped, the first kept",) if repeats else ()
    return Interactions(
        name=name,
        users=everyone[first],
        items=everything[first],
        n_users=int(everyone.max()) + 1,
        n_items=width,
        part=part[first],
        source=source,
        notes=(*found.notes, "split into train and test by the authors of the lists", *said),
    )


def _without_gaps(name: str, ids: NDArray[np.int64], what: str) -> None:
    """Ids count from 0 and size the tables, so a far one would fill the memory."""
    there, last = len(np.unique(ids)), int(ids.max())
    if last >= max(SPARSE, 10 * there):
        raise DataError(
            f"{name}: ids must count from 0; {what} {last} stands among {there} different ones;"
            " the files are not in the official layout"
        )
