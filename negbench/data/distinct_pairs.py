"""Known negatives of a file as pairs, each once, with the earliest time of each."""

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr, Ints

Times = NDArray[np.float64] | None


def distinct_pairs(
    users: Ints, items: Ints, times: Times, *, n_users: int, n_items: int
) -> tuple[Csr, Times]:
    """The pairs [n] each once by user and item, and the earliest time of each, [pairs] or None."""
    keys = users.astype(np.int64) * n_items + items
    by = np.lexsort((keys,) if times is None else (times, keys))
    ordered = keys[by]
    first = np.ones(len(keys), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    kept = by[first]
    pairs = Csr.of(users[kept], items[kept], n_rows=n_users, n_columns=n_items)
    return pairs, None if times is None else times[kept]
