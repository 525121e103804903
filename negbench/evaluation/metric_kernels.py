"""Ranking metrics from hits: recall, NDCG, hit rate, MRR, MAP and precision at every K.

Pure functions over tensors. Axes: B users, K places of their lists, T pairs.

Ties do not reach these functions: lists are ranked before with one shuffled order of the items for
equal scores (`tie_places`), the same for every method, seed and run, so neither the numbering nor
the popularity of the items decides a tie.
"""

import torch

from negbench.ops.axes import AnyShape, ListValues, Pairs, Rows


def row_pairs(indptr: AnyShape, indices: AnyShape, users: Rows) -> tuple[Pairs, Pairs]:
    """The pairs of some rows of a CSR: the row's position in `users` and the column, [T] each.

    `indptr` [U + 1] and `indices` [pairs] are those of the CSR, `users` [B] its rows.
    """
    starts = indptr[users]
    lengths = indptr[users + 1] - starts
    ends = lengths.cumsum(0)
    rows = torch.arange(len(users), device=users.device).repeat_interleave(lengths)
    within = torch.arange(len(rows), device=users.device)
    return rows, indices[within + (starts - ends + lengths)[rows]].long()


def metric_tables(hits: ListValues, relevant: Rows) -> dict[str, ListValues]:
    """Every metric at every K, from the hits of each user's list.

    For one user with R relevant (target) items, h_r = 1 if the item at rank r is relevant, else 0,
    and H_k = h_1 + ... + h_k:

        recall@K    = H_K / R
        ndcg@K      = sum_{r<=K} h_r / log2(r + 1)  /  sum_{r<=min(R, K)} 1 / log2(r + 1)
        hit@K       = 1 if H_K > 0, else 0
        mrr@K       = 1 / (rank of the first relevant item), 0 if that rank is above K
        map@K       = (1 / R) sum_{r<=K} h_r H_r / r
        precision@K = H_K / K

    recall, precision: C. Manning, P. Raghavan, H. Schuetze, "Introduction to Information
    Retrieval", 2008, ch. 8; trec_eval's `recall` and `P`. Recall divides by R, not by min(R, K).
    Precision divides by K, also where the catalogue fills fewer than K places.
    ndcg: K. Jarvelin, J. Kekalainen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS
    20(4), 2002, with binary gains and the discount log2(r + 1) of trec_eval's `ndcg_cut` (the
    paper's own is log2(r) from rank 2 on). The ideal list has min(R, K) hits, so 1 can be reached.
    hit: trec_eval's `success`; the "hit rate" of recommender papers with one target a user.
    mrr: E. Voorhees, "The TREC-8 question answering track report", TREC 1999; trec_eval's
    `recip_rank`, cut at K.
    map: trec_eval's `map_cut`; Manning et al., ch. 8. The divisor is R, not min(R, K): a user with
    more than K relevant items stays below 1.

    `hits` bool [B, K] are the h_r, `relevant` [B] the R. Column k - 1 of each float64 table [B, K]
    is the metric at k. A user with R = 0 has NaN and is left out of means.
    """
    hit = hits.double()
    ranks = torch.arange(1, hits.shape[1] + 1, dtype=torch.float64, device=hits.device)
    hits_so_far = hit.cumsum(1)
    r = torch.where(relevant > 0, relevant.double(), torch.nan)[:, None]
    discount = 1 / torch.log2(ranks + 1)
    ideal = discount.cumsum(0).expand_as(hit)
    best = torch.minimum(ranks, r.nan_to_num(1)).long() - 1  # the ideal list has min(R, k) hits
    defined = r / r  # 1, or NaN for a user without relevant items
    return {
        "recall": hits_so_far / r,
        "ndcg": (hit * discount).cumsum(1) / ideal.gather(1, best) * defined,
        "hit": (hits_so_far > 0).double() * defined,
        "mrr": (hit / ranks).cummax(1).values * defined,
        "map": (hit * hits_so_far / ranks).cumsum(1) / r,
        "precision": hits_so_far / ranks * defined,
    }
