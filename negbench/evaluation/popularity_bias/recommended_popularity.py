"""Popularity of recommended items; the popularity of an item is its number of train pairs.

R_u is the list of user u, pop_j the popularity of item j, T the items of the last band. What a user
has seen is never recommended.
"""

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.evaluation.popularity_bias.list_statistics import Ints, list_means, unseen_means
from negbench.evaluation.popularity_bias.nan_mean import NAN, Floats, mean, ratio


def arp(top: Ints, popularity: Ints) -> float:
    """Average recommendation popularity (Yin et al. 2012).

        ARP = mean_u (1 / |R_u|) sum_{j in R_u} pop_j

    In train pairs; higher is more popular. A list that the catalogue could not fill is averaged
    over the items it holds.
    """
    return mean(list_means(top, popularity))


def aplt(top: Ints, labels: NDArray[np.int8], tail: int) -> float:
    """Average percentage of long-tail items, as a share (Abdollahpouri et al. 2019).

        APLT = mean_u |R_u and T| / |R_u|

    T is here the last band of the run. NaN where that band has no items.
    """
    in_tail = labels == tail
    return mean(list_means(top, in_tail)) if np.any(in_tail) else NAN


def relative_arp(top: Ints, users: Ints, popularity: Ints, seen: Csr) -> float:
    """ARP between that of random lists and the highest that any lists can have (our scale).

        rARP = (ARP - ARP_random) / (ARP_most_popular - ARP_random)

    0 where lists are as popular as uniform draws from each user's unseen items, below 0 where they
    are less popular, 1 where every user gets the most popular unseen items, as `most_popular` gives
    them; nothing is above. On one data set it ranks as ARP does, and unlike ARP it compares across
    data sets. Users whose list is empty are left out; NaN where all unseen items are equally
    popular.
    """
    lengths = (top >= 0).sum(1)
    shown, at = list_means(top, popularity), np.flatnonzero(lengths)
    below = mean(unseen_means(seen, users[at], popularity))
    highest = _highest(users[at], lengths[at], popularity, seen)
    return float(ratio(mean(shown[at]) - below, mean(highest) - below))


def _highest(users: Ints, lengths: Ints, popularity: Ints, seen: Csr) -> Floats:
    """Mean popularity [n] of each user's `lengths` most popular unseen items."""
    n_items = len(popularity)
    order = np.argsort(-popularity.astype(np.int64), kind="stable")
    place = np.empty(n_items, np.int64)
    place[order] = np.arange(n_items)
    falling = popularity[order].astype(np.float64)
    sums = np.append(0.0, falling.cumsum())
    # Per user the places of the seen items in the order, ascending: a pair may come twice in a log.
    row, at = np.divmod(np.unique(seen.rows * n_items + place[seen.indices]), n_items)
    counts = np.bincount(row, minlength=seen.n_rows)
    first = counts.cumsum() - counts
    unseen_before = at - (np.arange(len(at)) - first[row])
    limits = np.zeros(seen.n_rows, np.int64)
    limits[users] = lengths
    # The k-th unseen item stands behind the seen ones with fewer than k unseen items before them.
    within = unseen_before < limits[row]
    behind = np.bincount(row[within], minlength=seen.n_rows)
    taken = np.bincount(row[within], weights=falling[at[within]], minlength=seen.n_rows)
    return ratio(sums[lengths + behind[users]] - taken[users], lengths)
