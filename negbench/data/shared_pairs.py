"""Pairs that a given split has in two of its parts, as in train and in test: counted in a note."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.number_words import counted

PARTS = ("train", "valid", "test", "history")


def pairs_in_two_parts(
    keys: NDArray[np.int64], part: NDArray[np.int8], kept: NDArray[np.intp]
) -> tuple[str, ...]:
    """A note on the rows whose pair (`keys` [n]) is `kept` [k] in another part [n] than theirs."""
    gone = np.ones(len(keys), bool)
    gone[kept] = False
    lost = np.flatnonzero(gone)
    twins = kept[pd.Index(keys[kept]).get_indexer(pd.Index(keys[lost]))]
    across = part[lost] != part[twins]
    moves = np.stack([part[lost[across]], part[twins[across]], keys[lost[across]]])
    numbers = np.unique(np.unique(moves, axis=1)[:2], axis=1, return_counts=True)
    sentences = [
        f"{counted(int(n), 'pair')} of {PARTS[of]} {'is' if n == 1 else 'are'} in {PARTS[to]} too "
        f"and kept in {PARTS[to]} alone"
        for of, to, n in zip(*numbers[0], numbers[1], strict=True)
    ]
    return ("; ".join(sentences),) if sentences else ()
