"""Lists that a scorer finds by itself, without the score of every item: ranks in them, and recall.

An item has the rank of its place in the list; what is beyond the list has none. Metrics at a K up
to the length of the lists need no more.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.ops.axes import Rows, TopItems
from negbench.ops.rng import stream

SAMPLE = 1000
"""Users whose lists are set against exact ones, where there are so many."""
CHUNK = 2**16
"""Target pairs that are looked up in their lists at once."""

Ints = NDArray[np.integer]


@runtime_checkable
class FindsLists(Protocol):
    """A scorer that finds lists by an index, some items of the exact ones missing."""

    def lists(self, users: Rows, seen: Csr, k: int) -> TopItems:
        """The first k items of each user without the `seen` ones: int64 [b, k], -1 where no more.

        On the CPU, best first; shorter only where a user has fewer unseen items.
        """
        ...


def ranks_in(top: Ints, users: Ints, target: Csr) -> NDArray[np.int32]:
    """The place from 1 of each target pair in its user's list, 0 beyond it: int32 [pairs].

    `top` [n, K] are the lists of `users` [n], all who have a target; pairs in the target's order.
    """
    rows = np.repeat(np.arange(len(users)), target.lengths[users])
    ranks = np.zeros(len(rows), np.int32)
    for start in range(0, len(rows), CHUNK):
        here = slice(start, start + CHUNK)
        hits = top[rows[here]] == target.indices[here, None]
        ranks[here] = np.where(hits.any(1), hits.argmax(1) + 1, 0)
    return ranks


def sample_of(n: int) -> Ints:
    """Places of the users whose lists are checked, the same ones each time, rising."""
    order = torch.randperm(n, generator=stream(0, "index recall"))
    return np.sort(order[:SAMPLE].numpy())


def recall_of_lists(top: Ints, exact: Ints, ks: Sequence[int]) -> dict[int, float]:
    """The share of the exact list's first K that is in the first K of `top`, both [n, K].

    A mean over users with any item to rank; -1 fills lists and is none.
    """
    recalls: dict[int, float] = {}
    for k in ks:
        pairs = [(one[:k][one[:k] >= 0], other[:k]) for one, other in zip(exact, top, strict=True)]
        shares = [np.isin(one, other).mean() for one, other in pairs if len(one)]
        recalls[k] = float(np.mean(shares)) if shares else float("nan")
    return recalls
