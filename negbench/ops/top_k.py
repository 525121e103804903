"""Top K items of each row of a block of scores, exact with ties.

On a CPU each row is folded to the maxima of its columns, as if it stood in lines of some hundred
items. The k-th greatest maximum is a bound that k items reach and few others do: what reaches it is
picked out and sorted by one whole number for its score and place. Numpy sorts short rows several
times faster than torch finds their first K.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.ops.axes import Ids, ItemScores, ItemValues, Rows, Scores, TopItems
from negbench.ops.rng import stream
from negbench.ops.sorted_rows import sorted_rows

CROWD = 4
"""Where more than so many times k items of a row reach the bound, `topk` takes over."""
_FOLD = 2048

NUMPYS = (torch.float32, torch.float64)
"""Kinds of numbers that numpy sorts; it does not know bfloat16."""
MASKED = -torch.inf
"""The score of an item that must not be recommended."""

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


def top_k(scores: ItemScores, k: int, places: ItemValues) -> TopItems:
    """The item ids of the top k of each row [b, I], best first, exact with ties: int64 [b, k].

    Ties go by `places` (see `tie_places`). Where a row has fewer than k items above -inf, -1 fills
    the rest. Raises ValueError where scores hold NaN.
    """
    if scores.device.type == "cpu" and scores.dtype == torch.float32:
        cells = _reaching(scores.numpy(), _maxima(scores, k), k)
        if len(cells) <= CROWD * len(scores) * k:
            return torch.from_numpy(_in_order(scores.numpy(), cells, k, places.numpy()))
    return _by_topk(scores, k, places)


def top_unordered(scores: Scores, m: int) -> Ids:
    """The places of the m greatest of each row [B, N], in no order: int64 [B, m], m at most N."""
    plain = scores.device.type == "cpu" and scores.dtype in NUMPYS
    if not plain or not 0 < m < scores.shape[1]:
        return scores.topk(m, 1, sorted=False).indices
    # A third of the time of `topk` where a row is short.
    return torch.from_numpy(np.argpartition(-scores.numpy(), m - 1, 1)[:, :m])


def at_rank(scores: Scores, ranks: Rows, k: int) -> Ids:
    """The column of the score of rank `ranks` [B], from 0 and below k, of each row [B, N]: [B, 1].

    Equal scores have their ranks in an order of no meaning.
    """
    places = scores.shape[1] - 1 - ranks.unsqueeze(1)
    if scores.device.type != "cpu" or scores.dtype not in NUMPYS:
        return scores.topk(k, 1).indices.gather(1, ranks.unsqueeze(1))
    # A fifth of the time of `topk`, whose order is needed where scores are equal alone.
    rising = sorted_rows(scores)
    value = rising.gather(1, places)
    columns = torch.from_numpy((scores == value).numpy().argmax(1)).unsqueeze(1)
    beside = [(places + side).clamp(0, scores.shape[1] - 1) for side in (-1, 1)]
    below, above = ((rising.gather(1, at) == value) & (at != places) for at in beside)
    rows = torch.from_numpy(np.flatnonzero((below | above).numpy()))
    if len(rows):
        best = scores[rows].topk(k, 1).indices
        columns[rows] = best.gather(1, ranks[rows].unsqueeze(1))
    return columns


def _maxima(scores: Tensor, k: int) -> Floats:
    """Column maxima, [b, width], of rows folded to lines of `width` items."""
    n = scores.shape[1]
    width = min(n, max(64, 1 << round(np.log2(2 * k * n) / 2)))  # to sort, and k n / width to read
    depth, rest = divmod(n, width)
    maxima = scores[:, : depth * width].reshape(len(scores), depth, width).amax(1)
    if rest:
        torch.maximum(maxima[:, :rest], scores[:, depth * width :], out=maxima[:, :rest])
    folded: Floats = maxima.numpy()
    return folded


def _reaching(scores: Floats, maxima: Floats, k: int) -> Places:
    """The cells of the flat block [b, I] that reach the bound of their row, row by row."""
    (b, n), width = scores.shape, maxima.shape[1]
    rising = np.sort(maxima, 1)
    if np.isnan(rising[:, -1]).any():  # it is sorted to the end
        _refuse_nan()
    # At least the least finite number: what is at -inf reaches nothing.
    bound = np.maximum(rising[:, max(0, width - k)], np.finfo(np.float32).min)
    columns = np.flatnonzero(maxima >= bound[:, None])
    if len(columns) > CROWD * b * k:
        return columns
    row, column = np.divmod(columns, width)
    cells = (row * n + column)[:, None] + np.arange(0, n, width)
    reached = scores.reshape(-1).take(cells, mode="clip") >= bound[row, None]
    reached[:, -1] &= column < n - (cells.shape[1] - 1) * width  # the last line may be short
    candidates: Places = cells.reshape(-1)[np.flatnonzero(reached)]
    return candidates


def _in_order(scores: Floats, cells: Places, k: int, places: NDArray[np.int32]) -> Places:
    """The first k of each row's cells, which are sorted by one key: the score, then the place."""
    b, n = scores.shape
    row, item = np.divmod(cells, n)
    # The bits of floats rise as the numbers do, those of negative ones turned; -0 becomes 0.
    bits = (scores.reshape(-1)[cells] + np.float32(0)).view(np.int32)
    falling = ~(bits ^ ((bits >> 31) & 0x7FFFFFFF))
    counts = np.bincount(row, minlength=b)
    keys = np.full((b, max(k, int(counts.max(initial=0)))), np.iinfo(np.int64).max)
    keys[np.arange(keys.shape[1]) < counts[:, None]] = (falling.astype(np.int64) << 32) | places[
        item
    ]
    first = np.sort(keys, 1)[:, :k] & 0xFFFFFFFF
    by_place = np.empty(n, np.int64)
    by_place[places] = np.arange(n)
    filled = np.arange(k) < counts[:, None]
    return np.where(filled, by_place.take(first, mode="clip"), -1)


def _refuse_nan() -> None:
    raise ValueError("scores hold NaN, which no ranking can place; the model has diverged")


def _by_topk(scores: Tensor, k: int, places: Tensor) -> Tensor:
    """By torch's own `topk`: on a GPU, for halves of floats, and where ties crowd."""
    n = scores.shape[1]
    values, ids = _greatest(scores, min(k + 1, n))  # one more than asked shows a tie at the end
    if values[:, 0].isnan().any():  # torch ranks NaN above all, so it shows in the first place
        _refuse_nan()
    tied = values[:, 1:] == values[:, :-1]
    tied &= values[:, 1:] > MASKED
    if n > k:
        cut = tied[:, k - 1].nonzero().squeeze(1)
        values, ids = values[:, :k].clone(), ids[:, :k].clone()
        if len(cut):
            ids[cut] = _break_ties(scores[cut], values[cut, k - 1 :], k, places)
            values[cut] = scores[cut].gather(1, ids[cut])
    rows = tied.any(1).nonzero().squeeze(1)
    if len(rows):
        ids[rows], values[rows] = _reorder(ids[rows], values[rows], places)
    ids = ids.masked_fill(values == MASKED, -1)
    return torch.nn.functional.pad(ids, (0, max(k - n, 0)), value=-1)


def _greatest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Top k scores per row, descending, with ids; ties broken arbitrarily.

    A wide row is folded to its column maxima first: the k columns with the greatest maxima hold k
    greatest scores, and they are few. On 41,000 items three times as fast as one `topk`.
    """
    b, n = scores.shape
    depth = n // _FOLD
    if depth < 8 or k > _FOLD // 8:
        values, ids = scores.topk(k, dim=1)
        return values, ids
    folded = scores[:, : depth * _FOLD].reshape(b, depth, _FOLD)
    columns = folded.amax(1).topk(k, dim=1, sorted=False).indices  # [b, k]
    inside = columns[:, :, None] + torch.arange(depth, device=scores.device) * _FOLD
    beyond = torch.arange(depth * _FOLD, n, device=scores.device).expand(b, -1)
    candidates = torch.cat([inside.flatten(1), beyond], 1)
    values, at = scores.gather(1, candidates).topk(k, dim=1)
    return values, candidates.gather(1, at)


def _break_ties(scores: Tensor, last: Tensor, k: int, places: Tensor) -> Tensor:
    """Which items are in the first k when the k-th score, `last` [r, 1], is shared beyond k."""
    n = scores.shape[1]
    key = torch.where(scores == last, places, n)
    key = key.masked_fill_(scores > last, -1)
    return key.topk(k, dim=1, largest=False, sorted=False).indices


def _reorder(ids: Tensor, values: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Sort by falling value, equal values by their place."""
    by_place = places[ids].argsort(dim=1)
    ids, values = ids.gather(1, by_place), values.gather(1, by_place)
    values, by_value = values.sort(dim=1, descending=True, stable=True)
    return ids.gather(1, by_value), values


@cache
def tie_places(n_items: int, device: torch.device | str = "cpu") -> ItemValues:
    """The place of each item in the fixed shuffled order that breaks ties, int32 [I]."""
    with torch.inference_mode(False):  # cached, so it must not be an inference tensor
        order = torch.randperm(n_items, generator=stream(0, "ties"))
        places = torch.empty(n_items, dtype=torch.int32)
        places[order] = torch.arange(n_items, dtype=torch.int32)
        return places.to(device)
