"""Data sets given as LightGCN's lists, already split into train and test."""

import numpy as np

from negbench.data.lists import read_numbers
from negbench.data.numbering import earliest
from negbench.data.shelf import Found
from negbench.interactions import Interactions


def given_lists(found: Found, *, name: str, source: str) -> Interactions:
    """`train.txt` and `test.txt` as parts 0 and 2; the ids count from 0 and are kept."""
    users, items = read_numbers(found["train.txt"])
    test_users, test_items = read_numbers(found["test.txt"])
    everyone = np.concatenate([users, test_users])
    everything = np.concatenate([items, test_items])
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
