"""Exact ranks of given items in a block of scores.

    rank(u, i) = 1 + #{j: s_uj > s_ui} + #{j: s_uj = s_ui, place_j < place_i}

The second count breaks ties by the order of the lists (`top_k.tie_places`), so the item of rank r
is the r-th of the list. For a few items of a row its scores are read through twice an item; for
more the row is sorted once.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.ops.axes import ItemScores, ItemValues, Pairs
from negbench.ops.top_k import MASKED

_FEW = 16
"""Up to so many items of a row counting beats sorting: 9 against 150 microseconds at I = 41,000."""
_CHUNK = 2**26
"""How many scores are gathered at once where rows are counted together."""

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


def ranks_of(scores: ItemScores, rows: Pairs, items: Pairs, places: ItemValues) -> Pairs:
    """The rank from 1 on of each pair (row of the block [b, I], item), int32 [n], rows rising.

    0 for a pair that is not ranked, as its score is -inf.
    """
    count = _row_by_row if scores.device.type == "cpu" else _together
    return count(scores, rows, items, places)


def _row_by_row(scores: Tensor, rows: Tensor, items: Tensor, places: Tensor) -> Tensor:
    """On a CPU one row stays in the cache, and numpy counts and sorts it at full width."""
    table, place = scores.numpy(), places.numpy()
    row_of, item_of = rows.numpy(), items.numpy()
    ranks = np.zeros(len(row_of), np.int32)
    starts = np.flatnonzero(np.diff(row_of, prepend=-1))
    for start, end in pairwise([*starts, len(row_of)]):
        line, mine = table[row_of[start]], item_of[start:end]
        own = line[mine]
        above, equal = (_counted if len(mine) <= _FEW else _sorted)(line, own)
        for at in np.flatnonzero((equal > 1) & (own > MASKED)):
            above[at] += np.count_nonzero(place[line == own[at]] < place[mine[at]])
        ranks[start:end] = np.where(own > MASKED, 1 + above, 0)
    return torch.from_numpy(ranks)


def _counted(line: Floats, own: Floats) -> tuple[Ints, Ints]:
    """How many of the line are above each of these scores, and how many equal it."""
    marks = np.empty(len(line), bool)
    above = [np.count_nonzero(np.greater(line, score, out=marks)) for score in own]
    equal = [np.count_nonzero(np.equal(line, score, out=marks)) for score in own]
    return np.array(above, np.int64), np.array(equal, np.int64)


def _sorted(line: Floats, own: Floats) -> tuple[Ints, Ints]:
    rising = np.sort(line)
    first, last = np.searchsorted(rising, own), np.searchsorted(rising, own, side="right")
    return len(line) - last, last - first


def _together(scores: Tensor, rows: Tensor, items: Tensor, places: Tensor) -> Tensor:
    """Many pairs at once, in chunks of bounded memory: what a GPU is quick at."""
    step = max(1, _CHUNK // scores.shape[1])
    parts = [torch.zeros(0, dtype=torch.int32, device=scores.device)]
    for row, item in zip(torch.split(rows, step), torch.split(items, step), strict=True):
        lines, own = scores[row], scores[row, item][:, None]
        before = (lines == own) & (places < places[item][:, None])
        rank = 1 + ((lines > own) | before).sum(1)
        parts.append(rank.masked_fill(own[:, 0] == MASKED, 0).int())
    return torch.cat(parts)
