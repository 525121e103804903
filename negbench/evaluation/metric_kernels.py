"""Ranking: the exact first K of a block of scores, and what it is worth to each user.

Pure functions over tensors. Axes: b users of the block, I items, K places.

Equal scores are ranked by one shuffled order of the items, the same for every method, seed and run
(`tie_places`): the item that comes first in it goes first. So neither the numbering nor the
popularity of the items decides a tie.
"""

import torch
from torch import Tensor


def row_pairs(indptr: Tensor, indices: Tensor, users: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs of some rows of a CSR: the place of the row in `users` and the column, [n] each."""
    starts = indptr[users]
    lengths = indptr[users + 1] - starts
    ends = lengths.cumsum(0)
    rows = torch.arange(len(users), device=users.device).repeat_interleave(lengths)
    within = torch.arange(len(rows), device=users.device)
    return rows, indices[within + (starts - ends + lengths)[rows]].long()


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
