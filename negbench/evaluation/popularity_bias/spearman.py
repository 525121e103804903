"""Spearman's rank correlation, for many groups at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negbench.evaluation.popularity_bias.nan_mean import NAN, Floats

Groups = NDArray[np.integer]


def group_ranks(values: ArrayLike, groups: Groups) -> Floats:
    """The rank from 1 on of each value within its group, equal values sharing their mean rank."""
    x = np.asarray(values)
    order = np.lexsort((x, groups))
    x_in, g_in = x[order], groups[order]
    new_group = np.diff(g_in, prepend=-1) != 0
    new_value = new_group | np.append(True, x_in[1:] != x_in[:-1])[: len(x)]
    run = np.cumsum(new_value) - 1  # which run of equal values each is in
    starts = np.flatnonzero(new_value)
    ends = np.append(starts[1:], len(x))
    first = np.flatnonzero(new_group)[np.cumsum(new_group) - 1]
    ranks = np.empty(len(x))
    ranks[order] = (starts + ends - 1)[run] / 2 - first + 1
    return ranks


def group_spearman(a: ArrayLike, b: ArrayLike, groups: Groups, n_groups: int) -> Floats:
    """Spearman's correlation of a and b within each group, [n_groups].

        rho = cov(rank a, rank b) / (sd(rank a) sd(rank b))

    NaN for a group with fewer than two values or with a or b the same for all.
    """
    size = np.bincount(groups, minlength=n_groups)
    middle = (size + 1) / 2  # the mean rank, ties or not
    x, y = (group_ranks(values, groups) - middle[groups] for values in (a, b))
    xy, xx, yy = (np.bincount(groups, weights=w, minlength=n_groups) for w in (x * y, x * x, y * y))
    spread = np.sqrt(xx * yy)
    rho: Floats = np.full(n_groups, NAN)
    np.divide(xy, spread, out=rho, where=spread > 0)
    return rho


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's correlation of two sequences."""
    return float(group_spearman(a, b, np.zeros(np.size(a), np.int64), 1)[0])
