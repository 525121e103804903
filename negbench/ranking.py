"""Ranking: the exact first K of a block of scores, and what it is worth to each user.

Pure functions over tensors. Axes: b users of the block, I items, K places.

Equal scores are ranked by one shuffled order of the items, the same for every method, seed and run
(`tie_places`): the item that comes first in it goes first. So neither the numbering nor the
popularity of the items decides a tie.
"""

from functools import cache

import torch
from torch import Tensor

from negbench.rng import stream

NOTHING = -torch.inf
"""The score of an item that must not be recommended."""

_FOLD = 2048


@cache
def tie_places(n_items: int, device: torch.device | str = "cpu") -> Tensor:
    """The place of each item in the fixed order that settles ties, int32 [I]."""
    with torch.inference_mode(False):  # kept between calls, so no child of somebody's mode
        order = torch.randperm(n_items, generator=stream(0, "ties"))
        places = torch.empty(n_items, dtype=torch.int32)
        places[order] = torch.arange(n_items, dtype=torch.int32)
        return places.to(device)


def row_pairs(indptr: Tensor, indices: Tensor, users: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs of some rows of a CSR: the place of the row in `users` and the column, [n] each."""
    starts = indptr[users]
    lengths = indptr[users + 1] - starts
    ends = lengths.cumsum(0)
    rows = torch.arange(len(users), device=users.device).repeat_interleave(lengths)
    within = torch.arange(len(rows), device=users.device)
    return rows, indices[within + (starts - ends + lengths)[rows]].long()


def top_k(scores: Tensor, k: int, places: Tensor) -> Tensor:
    """The ids of the first k of each row [b, I], exact with ties: int64 [b, k].

    Where a row has fewer than k items above -inf, -1 fills the rest. NaN is refused.
    """
    n = scores.shape[1]
    values, ids = _greatest(scores, min(k + 1, n))  # one more than asked shows a tie at the end
    if values[:, 0].isnan().any():  # torch ranks NaN above all, so it shows in the first place
        raise ValueError("scores hold NaN, which no ranking can place; the model has diverged")
    tied = values[:, 1:] == values[:, :-1]
    tied &= values[:, 1:] > NOTHING
    if n > k:
        cut = tied[:, k - 1].nonzero().squeeze(1)
        values, ids = values[:, :k].clone(), ids[:, :k].clone()
        if len(cut):
            ids[cut] = _settle(scores[cut], values[cut, k - 1 :], k, places)
            values[cut] = scores[cut].gather(1, ids[cut])
    rows = tied.any(1).nonzero().squeeze(1)
    if len(rows):
        ids[rows], values[rows] = _reorder(ids[rows], values[rows], places)
    ids = ids.masked_fill(values == NOTHING, -1)
    return torch.nn.functional.pad(ids, (0, max(k - n, 0)), value=-1)


def _greatest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k greatest of each row, falling, and their ids; which of equal ones is not said.

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


def _settle(scores: Tensor, last: Tensor, k: int, places: Tensor) -> Tensor:
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


def metric_tables(hits: Tensor, relevant: Tensor) -> dict[str, Tensor]:
    """Every metric at every cut-off from the hits bool [b, K] and the number of relevant items [b].

    Column k - 1 of each float64 [b, K] is the metric at k. NaN where a user has no relevant item.
    """
    hit = hits.double()
    ranks = torch.arange(1, hits.shape[1] + 1, dtype=torch.float64, device=hits.device)
    found = hit.cumsum(1)
    r = torch.where(relevant > 0, relevant.double(), torch.nan)[:, None]
    discount = 1 / torch.log2(ranks + 1)
    ideal = discount.cumsum(0).expand_as(hit)
    best = torch.minimum(ranks, r.nan_to_num(1)).long() - 1  # the ideal list has min(R, k) hits
    known = r / r  # 1, or NaN for a user with nothing to find
    return {
        "recall": found / r,
        "ndcg": (hit * discount).cumsum(1) / ideal.gather(1, best) * known,
        "hit": (found > 0).double() * known,
        "mrr": (hit / ranks).cummax(1).values * known,
        "map": (hit * found / ranks).cumsum(1) / r,
        "precision": found / ranks * known,
    }
