"""Splits of papers that come a pair a line: a file each of train, valid and test, or of two parts.

A data set names its files and gets its `load` here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.fold_in import TEST, TRAIN, VALID
from negbench.data.interactions import Interactions
from negbench.data.number_words import counted
from negbench.data.readers.adjacency_lists import read_words, whole_numbers
from negbench.data.readers.ir_benchmark import COLUMNS, HEADER, LARGEST
from negbench.data.readers.repository_lists import Nothing
from negbench.data.readers.typed_tables import read_columns
from negbench.data.reindex import first_of_each_pair
from negbench.data.shared_pairs import notes_of_dropped
from negbench.errors import DataError

PARTS = {2: (TRAIN, TEST), 3: (TRAIN, VALID, TEST)}
"""The parts of the files of a data set, in their order, by their number."""
Pairs: TypeAlias = NDArray[np.int64]
"""User and item of each row, [n, 2]."""


def read_pairs(path: Path) -> Pairs:
    """The pairs [n, 2] of a text with two whole numbers a line.

    Raises DataError, with its line, for a line that holds anything else.
    """
    words, lines = read_words(path)
    numbers = whole_numbers(path, words, lines)
    counts = np.bincount(lines)
    wrong = np.flatnonzero((counts != 2) & (counts > 0))
    if len(wrong):
        seen = counted(int(counts[wrong[0]]), "number")
        raise DataError(
            f"{path}, line {wrong[0]}: must hold a user and an item; it holds {seen}, so the file"
            " is not in the official layout"
        )
    return numbers.reshape(-1, 2)


def read_table(path: Path) -> Pairs:
    """The pairs [n, 2] of a table of IR-Benchmark, with the header `user_procid item_procid`."""
    frame = read_columns(path, COLUMNS, separator="\t", header=HEADER)
    return frame[["user", "item"]].to_numpy(np.int64)


def parts_loader(
    files: DatasetFiles,
    *,
    name: str,
    link: str,
    read: Callable[[Path], Pairs] = read_pairs,
    after_users: bool = False,
) -> Callable[[Nothing, FileCache], Interactions]:
    """The `load` of one data set: all pairs of its files, with their part.

    `after_users` means that the ids of the items follow those of the users, as of the nodes of one
    graph. Raises DataError in `load` for a file that is empty or not in the official layout.
    """

    def load(config: Nothing, cache: FileCache) -> Interactions:
        """All pairs of the files, with their part."""
        del config
        local = cache.find(files)
        parts = [_checked(local[each], read(local[each])) for each in files.files]
        users, items = np.concatenate(parts).T
        n_users = int(users.max()) + 1
        if after_users:
            items = _from_zero(name, items, n_users)
        n_items = int(items.max()) + 1
        part = np.repeat(np.array(PARTS[len(parts)], np.int8), [len(each) for each in parts])
        first = first_of_each_pair(users, items, n_items, None)
        dropped = notes_of_dropped(users * n_items + items, first, "first", part, noun="pairs")
        return Interactions(
            name=name,
            users=users[first],
            items=items[first],
            n_users=n_users,
            n_items=n_items,
            part=part[first],
            source=link,
            notes=(*local.notes, f"split by the authors: {', '.join(files.files)}", *dropped),
        )

    return load


def _checked(path: Path, pairs: Pairs) -> Pairs:
    """The pairs of a file that holds some, with ids that count from 0."""
    if not len(pairs):
        raise DataError(f"{path} must hold a pair a line; it holds none")
    if pairs.min() < 0 or pairs.max() > LARGEST:
        far = int(pairs.min() if pairs.min() < 0 else pairs.max())
        raise DataError(
            f"{path}: ids must count from 0; got {far}, so the file is not in the official layout"
        )
    return pairs


def _from_zero(name: str, items: NDArray[np.int64], n_users: int) -> NDArray[np.int64]:
    """The ids [n] of items counted from 0 instead of from the number of users."""
    if items.min() < n_users:
        raise DataError(
            f"{name}: the ids of items must follow those of the {n_users} users; got item"
            f" {items.min()}, so the files are not in the official layout"
        )
    return items - n_users
