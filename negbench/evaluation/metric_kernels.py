"""Ranking metrics of each user, at every K, from the ranks of the relevant items; no torch.

A list of K says of its user no more than which of its places hold a relevant item. So the ranks of
all relevant items give every metric at every K and on every popularity band: while a cell is
ranked, and from the ranks that it keeps long after.

Ties do not reach these functions: lists are ranked before with one shuffled order of the items for
equal scores (`tie_places`), the same for every method, seed and run, so neither the numbering nor
the popularity of the items decides a tie.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from negbench.evaluation.metric_names import METRICS, Metric
from negbench.evaluation.own_metrics import own_values

Ints = NDArray[np.integer]
Floats = NDArray[np.float64]
MetricKey = tuple[str, int, str]
"""Metric name, K and popularity band ("all" or a band's name)."""


def metric_values(
    rows: Ints, ranks: Ints, relevant: Ints, metrics: Sequence[Metric]
) -> dict[Metric, Floats]:
    """Every metric of each user, from the ranks of the relevant items.

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

    `rows` [h] says whose each relevant item is, a place in `relevant` [n], which holds the R; its
    rank in `ranks` [h] counts from 1, and is 0 where it was not ranked. Each metric is [n]. A user
    with R = 0 has NaN and is left out of means. Metrics of plug-ins: see `own_metrics`.
    """
    ranked = (ranks > 0) & (ranks <= max(k for _, k in metrics))
    row, rank = rows[ranked].astype(np.int64), ranks[ranked].astype(np.int64)
    order = np.lexsort((rank, row))
    row, rank = row[order], rank[order]
    starts = np.searchsorted(row, np.arange(len(relevant)))
    nth = np.arange(1, len(row) + 1) - starts[row]  # H_r: the user's hits down to this one
    sums = {  # the terms of each sum over r, and what it is divided by
        "recall": (np.ones(len(row)), _all_relevant),
        "ndcg": (1 / np.log2(rank + 1), _ideal_gain),
        "hit": ((nth == 1).astype(float), _one),
        "mrr": ((nth == 1) / rank, _one),
        "map": (nth / rank, _all_relevant),
        "precision": (np.ones(len(row)), _length),
    }
    known = np.where(relevant > 0, 1.0, np.nan)
    values = {}
    for metric in metrics:
        if metric.name not in METRICS:
            values[metric] = own_values(metric, rows, ranks, relevant)
            continue
        terms, divisor = sums[metric.name]
        within = rank <= metric.k
        total = np.bincount(row[within], weights=terms[within], minlength=len(relevant))
        values[metric] = total * known / divisor(np.maximum(relevant, 1), metric.k)
    return values


def event_values(
    rows: Ints, ranks: Ints, relevant: Ints, metrics: Sequence[Metric]
) -> dict[Metric, Floats]:
    """Every metric as a mean over test events, each a list with one relevant item, by user.

    An event at rank r has, where r <= K, recall = hit = 1, ndcg = 1 / log2(r + 1), mrr = map = 1/r
    and precision = 1/K, else 0. A user's value is

        (sum over his events) / (mean number of events of a user)

    so that the plain mean over users is the mean over events, and whatever resamples users
    resamples events by user: those of one user are not independent. Shapes as in `metric_values`.
    """
    mean = relevant[relevant > 0].mean() if (relevant > 0).any() else 1.0
    known = np.where(relevant > 0, 1.0, np.nan)
    rank = np.maximum(ranks, 1).astype(np.float64)
    gains = {
        "recall": np.ones(len(rank)),
        "hit": np.ones(len(rank)),
        "ndcg": 1 / np.log2(rank + 1),
        "mrr": 1 / rank,
        "map": 1 / rank,
    }
    values = {}
    for metric in metrics:
        if metric.name not in METRICS:  # an event is a list of its own, with one relevant item
            events = np.arange(len(rank))
            gain = own_values(metric, events, ranks, np.ones(len(rank), dtype=np.int64))
            total = np.bincount(rows, weights=gain, minlength=len(relevant))
            values[metric] = total * known / mean
            continue
        gain = gains.get(metric.name, np.full(len(rank), 1 / metric.k))
        gain = np.where((ranks > 0) & (ranks <= metric.k), gain, 0.0)
        values[metric] = np.bincount(rows, weights=gain, minlength=len(relevant)) * known / mean
    return values


def metric_values_by_band(
    rows: Ints,
    items: Ints,
    ranks: Ints,
    n: int,
    *,
    bands: Mapping[str, NDArray[np.bool_]],
    metrics: Sequence[Metric],
    average: str = "users",
) -> dict[MetricKey, NDArray[np.float32]]:
    """Every metric of each of `n` users on all items, as the band "all", and on each band.

    A band is a mask of the items [I]; only the relevant items in it count, both found and to find.
    With `average="events"` the values are those of `event_values`.
    """
    of_users = event_values if average == "events" else metric_values
    values: dict[MetricKey, NDArray[np.float32]] = {}
    for band in ("all", *bands):
        here = slice(None) if band == "all" else bands[band][items]
        relevant = np.bincount(rows[here], minlength=n)
        for (name, k), value in of_users(rows[here], ranks[here], relevant, metrics).items():
            values[name, k, band] = value.astype(np.float32)
    return values


def mean_of_users(values: NDArray[np.float32]) -> float:
    """The mean over the users with a value; NaN if none has one."""
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")


Divisor = Callable[[Ints, int], Floats]


def _all_relevant(relevant: Ints, k: int) -> Floats:
    del k
    return relevant.astype(np.float64)


def _ideal_gain(relevant: Ints, k: int) -> Floats:
    """The gain of a list whose first min(R, K) places are all relevant."""
    best = np.minimum(relevant, k)
    gains = np.cumsum(1 / np.log2(np.arange(2, best.max(initial=1) + 2)))
    ideal: Floats = gains[best - 1]
    return ideal


def _one(relevant: Ints, k: int) -> Floats:
    del k
    return np.ones(len(relevant))


def _length(relevant: Ints, k: int) -> Floats:
    return np.full(len(relevant), float(k))
