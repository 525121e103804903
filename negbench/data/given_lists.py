"""Data sets given as LightGCN's lists, already split into train and test."""

import numpy as np
from numpy.typing import NDArray

from negbench.data.lists import read_numbers
from negbench.data.numbering import earliest
from negbench.data.shelf import Found
from negbench.errors import DataError
from negbench.interactions import Interactions

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
