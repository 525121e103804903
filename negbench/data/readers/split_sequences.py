"""Sequence files of a split by users: train, valid and test are files of different users.

The last item of a valid or test user is to be ranked; the earlier ones are read as history and
never trained on (fold-in).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data import repeats
from negbench.data.fold_in import FOLD_IN, TEST, TRAIN, VALID, fold_in
from negbench.data.interactions import Interactions
from negbench.data.number_words import counted
from negbench.data.raw_rows import RawRows, concatenated, raw_ids
from negbench.data.readers.adjacency_lists import read_words, whole_numbers
from negbench.data.reindex import reindex
from negbench.errors import DataError

NUMBERS = {"train": TRAIN, "valid": VALID, "test": TEST}
"""The parts by the words of their files."""


def read_number_lines(path: Path) -> RawRows:
    """Lines of whole numbers, a user's items in order; a user is named by the line.

    Raises DataError for a word that is no number.
    """
    words, lines = read_words(path)
    items = pd.Index(whole_numbers(path, words, lines))
    return RawRows(pd.Index(lines), items, order="rows")


def users_apart(
    rows: Mapping[str, RawRows],
    files: Mapping[str, Path],
    *,
    name: str,
    source: str = "",
    notes: tuple[str, ...] = (),
) -> Interactions:
    """A split by users from the rows of train, test and, where there is one, valid, by these words.

    `files` names their files. A user is named by part and own id, `test:7`: the same id in two
    files is two users. Raises DataError if train or test is missing or holds no item.
    """
    if missing := [word for word in ("train", "test") if word not in rows]:
        raise DataError(f"{name}: a split by users needs a {missing[0]} file of sequences")
    present = [word for word in NUMBERS if word in rows]
    for word in present:
        if word != "valid" and not len(rows[word]):
            raise DataError(f"{files[word]} holds no sequence; each line must be a user's items")
    whole = concatenated([_named(rows[word], word) for word in present])
    sizes = [len(rows[word]) for word in present]
    part = np.repeat(np.array([NUMBERS[word] for word in present], np.int8), sizes)
    note = (
        "already split by users, a sequence a line: "
        f"{', '.join(files[word].name for word in present)}; users are named by file and line, the "
        "order of a line is the order in time"
    )
    data = reindex(
        whole,
        name=name,
        order="rows",
        part=part,
        source=source,
        notes=(*notes, note, *_repeats(whole, part)),
    )
    assert data.part is not None
    parts = fold_in(data.users, data.part, np.arange(len(data)))
    return replace(data, part=parts, notes=(*data.notes, *_without_target(data.users, parts)))


def _named(rows: RawRows, word: str) -> RawRows:
    """The rows with the part before every user's id."""
    codes, users = pd.factorize(rows.users)
    return replace(rows, users=raw_ids([f"{word}:{user}" for user in users]).take(codes))


def _repeats(rows: RawRows, part: NDArray[np.int8]) -> tuple[str, ...]:
    """How many held-out users end with an item that they had before; none where it is ranked."""
    if repeats.are_kept():
        return ()
    again = pd.DataFrame({"user": rows.users, "item": rows.items}).duplicated().to_numpy()
    last = np.ones(len(rows), bool)
    last[:-1] = rows.users[1:] != rows.users[:-1]
    n = int((again & last & (part > TRAIN)).sum())
    who = counted(n, "held-out user ends", "held-out users end")
    return (f"{who} with an item met before: the last new item is ranked",) if n else ()


def _without_target(users: NDArray[np.int64], parts: NDArray[np.int8]) -> tuple[str, ...]:
    """How many held-out users have one item alone, so no history to rank it from."""
    ranked = users[(parts == VALID) | (parts == TEST)]
    n = len(np.setdiff1d(users[parts == FOLD_IN], ranked))
    who = counted(n, "held-out user has", "held-out users have")
    return (f"{who} a single item, so no history to rank it from: left out",) if n else ()
