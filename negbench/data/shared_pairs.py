"""Rows whose (user, item) pair is there already: repeats, and pairs that two parts share.

A given split may hold a pair in train and in test. That is no repeated row but a leak, and which
part keeps it changes the results: both are counted, each in a sentence of its own.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.number_words import counted

PARTS = ("train", "valid", "test", "history")


def notes_of_dropped(
    keys: NDArray[np.int64],
    kept: NDArray[np.intp],
    which: str,
    part: NDArray[np.int8] | None = None,
    noun: str = "rows",
) -> tuple[str, ...]:
    """Notes on the rows that were dropped since their pair (`keys` [n]) is `kept` [k].

    `which` of a pair's rows is kept, "first" or "earliest"; `part` [n] is the part of each row.
    """
    if len(kept) == len(keys):
        return ()
    gone = np.ones(len(keys), bool)
    gone[kept] = False
    lost = np.flatnonzero(gone)
    twins = kept[pd.Index(keys[kept]).get_indexer(pd.Index(keys[lost]))]
    across = np.zeros(len(lost), bool) if part is None else part[lost] != part[twins]
    repeats = int((~across).sum())
    repeated = f"{repeats:,} repeated (user, item) {noun} dropped, the {which} kept"
    notes = (repeated,) if repeats else ()
    if part is None or not across.any():
        return notes
    moves = np.stack([part[lost[across]], part[twins[across]], keys[lost[across]]])
    numbers = np.unique(np.unique(moves, axis=1)[:2], axis=1, return_counts=True)
    sentences = [
        f"{counted(int(n), 'pair')} of {PARTS[of]} {'is' if n == 1 else 'are'} in {PARTS[to]} too "
        f"and kept in {PARTS[to]} alone"
        for of, to, n in zip(*numbers[0], numbers[1], strict=True)
    ]
    return (*notes, "; ".join(sentences))
