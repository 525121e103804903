"""Variance of a mean difference with users and splits as crossed random effects.

A run that is repeated over splits of its data gives a difference of two rows for each user and
split, seeds averaged:

    d[u, p] = mean + user u + split p + residual of u and p,

all but the mean random. A split's effect holds that of its seeds, which are other trainings in
every split, so a test against the variance of splits covers the seeds too. Not every user has a
test pair in every split, and in a split by users hardly any has one in two, so the layout may be
anything between crossed and nested. With d_p the mean over the n_p users of split p, and the mean
over P splits as the estimate,

    Var(mean) = s^2(d_p) / P + mean over pairs of splits of Cov(d_p, d_q),
    Cov(d_p, d_q) = sum over users in both of (d[u, p] - d_p) (d[u, q] - d_q) / (n_p n_q).

The first part falls with the number of splits. The second is what all splits share, their users: it
is taken as 0 where it comes out below, and is 0 where splits have no user in common. Where every
user is in every split both are those of `crossed_effects.py`, for 1 / (n_p n_q) is enlarged by
n / (n - 1) in the same way. As there, all pairs of rows cost one matrix product for two splits.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .crossed_effects import Floats, Layout, of_differences


def split_layout(values: Floats) -> Layout:
    """The layout of values [splits, users, rows], NaN where a user has none in that split."""
    known: NDArray[np.bool_] = np.logical_not(np.isnan(values))
    if (known == known[:, :, :1]).all():
        return _layout(values, known[:, :, 0])
    return _pair_by_pair(values, known)


def _layout(values: Floats, known: NDArray[np.bool_]) -> Layout:
    """The layout where all rows have the same users in a split, `known` [splits, users]."""
    n_splits, _, rows = values.shape
    sizes = known.sum(axis=1)
    counts = np.full((rows, rows), float(known.any(axis=0).sum()))
    filled = np.where(known[:, :, None], values, 0.0)
    means = filled.sum(axis=1) / np.where(sizes > 0, sizes, np.nan)[:, None]
    mean = means.mean(axis=0)
    if sizes.min() < 2:
        unknown = np.full((rows, rows), np.nan)
        return Layout(mean[:, None] - mean, unknown, unknown, counts, n_splits)
    left = np.where(known[:, :, None], values - means[:, None], 0.0) / sizes[:, None, None]
    left *= np.sqrt(sizes / (sizes - 1))[:, None, None]
    own = sum(each.T @ each for each in left) / n_splits
    pairs = list(combinations(range(n_splits), 2))
    shared = sum(left[p].T @ left[q] for p, q in pairs) / len(pairs)
    centred = means - mean
    between = centred.T @ centred / (n_splits - 1)
    scale = (own + between).diagonal()
    covariance = _signed((shared + shared.T) / 2, scale)
    of_splits = of_differences(between, scale)
    # Splits whose means agree to the last digit do not disprove that splits differ.
    residual = np.maximum(of_differences(own, scale) - covariance, 0.0)
    of_splits = np.where(of_splits == 0, residual, of_splits) / n_splits
    return Layout(mean[:, None] - mean, np.maximum(covariance, 0), of_splits, counts, n_splits)


def _signed(products: Floats, scale: Floats) -> Floats:
    """Mean products of all differences of two rows, which may be negative."""
    own = products.diagonal()
    squares = own[:, None] + own - 2 * products
    rounding = 1e-12 * (scale[:, None] + scale)
    return np.where(np.abs(squares) <= rounding, 0.0, squares)


def _pair_by_pair(values: Floats, known: NDArray[np.bool_]) -> Layout:
    rows = values.shape[2]
    parts = np.full((4, rows, rows), np.nan)
    for i in range(rows):
        for j in range(i, rows):
            pair = _layout(values[:, :, [i, j]], known[:, :, i] & known[:, :, j])
            kept = (pair.difference, pair.of_users, pair.of_seeds, pair.n_users)
            parts[:, i, j] = [matrix[0, 1] for matrix in kept]
            parts[:, j, i] = [matrix[1, 0] for matrix in kept]
    return Layout(parts[0], parts[1], parts[2], parts[3], len(values))
