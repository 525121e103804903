"""The run on paper with the ids of its users and items and its split, as exports need them."""

from pathlib import Path

import numpy as np
from helpers.run_on_paper import write_run_on_paper

from negbench.experiment.finished.kept_ids import ids_path
from negbench.storage import split_store
from negbench.storage.atomic_write import write_json

USERS = ["", "a b", "a%20b", 'say "hi"', "NA"]
ITEMS = ["c\td", "c d", "c\u2028d", "c%d", "[PAD]", "ü,\r"]
"""Ids at which some tool splits a line, drops a row, or takes one for another."""
TRAIN = [[5], [3, 5], [4, 5], [1, 2, 5], [0, 1, 2, 3]]
VALID = [[], [4], [], [], []]
TEST = [[0], [1], [2], [3], [4]]
PARTS = {"train": TRAIN, "valid": VALID, "test": TEST}


def write_run_with_ids(run: Path) -> Path:
    """The run folder: see `run_on_paper` for its cells."""
    write_run_on_paper(run)
    path = ids_path(run, "hand", "c")
    path.parent.mkdir()
    write_json(path, {"content": "c", "users": USERS, "items": ITEMS, "names": []})
    rows = {
        part: (np.array([len(each) for each in of_users]), np.array(sum(of_users, []), np.int64))
        for part, of_users in PARTS.items()
    }
    split_store.write_split(run, "5a6", rows)
    return run


def pairs_of(part: str) -> list[tuple[str, str]]:
    """The pairs of a part by their ids, user by user and in order."""
    return [(USERS[u], ITEMS[i]) for u, items in enumerate(PARTS[part]) for i in items]
