"""Fold-in: which pairs of held-out users are their history, and which are to be ranked.

A held-out user is never trained on. The earlier pairs are read as history when the user is ranked
(they are folded in), the last ones are the targets.
"""

import numpy as np
from numpy.typing import NDArray

TRAIN, VALID, TEST, FOLD_IN = 0, 1, 2, 3
"""Parts of pairs: FOLD_IN is the history of a held-out user, of valid and test alike."""


def fold_in(
    users: NDArray[np.int64],
    parts: NDArray[np.int8],
    order: NDArray[np.int64],
    last: int = 1,
) -> NDArray[np.int8]:
    """The parts [n] with all but the `last` pairs of each held-out user moved to FOLD_IN.

    `parts` [n] has all pairs of a user in one part; `order` [n] are the pairs' indices in time
    order. A held-out user with no more than `last` pairs has no history and nothing to rank.
    """
    grouped = order[np.argsort(users[order], kind="stable")]
    counts = np.bincount(users)
    after = np.empty(len(users), np.int64)  # how many pairs of the same user come later
    after[grouped] = np.repeat(np.cumsum(counts), counts) - 1 - np.arange(len(users))
    history = (parts > TRAIN) & ((after >= last) | (counts[users] <= last))
    return np.where(history, np.int8(FOLD_IN), parts)
