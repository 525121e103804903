"""Variance of a mean difference with users and seeds as crossed random effects.

The paired differences d[user, seed] of two rows, both trained under the same seeds, are taken as

    d[u, s] = mean + user u + seed s + residual of u and s,

all but the mean random: other users and other seeds would have given others (Clark, "The
Language-as-Fixed-Effect Fallacy", Journal of Verbal Learning and Verbal Behavior, 1973; Baayen,
Davidson and Bates, "Mixed-effects modeling with crossed random effects for subjects and items",
Journal of Memory and Language, 2008). From the mean squares of the two-way layout of U users and
S seeds, one value a cell,

    Var(mean) = (max(0, MS_users - MS_residual) + MS_seeds) / (U S):

the first part comes from users and would stay with more seeds, the second shrinks with each seed.
The mean squares of a difference i - j follow from three matrices of mean products of the rows,

    MS(i - j) = M[i, i] + M[j, j] - 2 M[i, j],

so all pairs of a block cost one matrix product a stratum. Seeds whose means agree to the last
digit, as those of few users may, show no variance and do not disprove it: MS_residual then stands
for MS_seeds. One seed shows nothing of how seeds differ: the variance is then MS_users / U, which
covers users alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROUNDING = 1e-12
"""A mean square below this share of those of its rows is the rounding error of equal numbers."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Of all pairs of rows [rows, rows]: difference, parts of its variance, number of users."""

    difference: Floats
    """The row of the line less the row of the column."""
    of_users: Floats
    """The part of the variance that more seeds do not make smaller."""
    of_seeds: Floats
    """The part that falls with the number of seeds; 0 with one seed."""
    n_users: Floats
    n_seeds: int


def layout(values: Floats) -> Layout:
    """The layout of values [seeds, users, rows]; a pair uses the users whom both rows have."""
    known: NDArray[np.bool_] = np.logical_not(np.isnan(values).any(axis=0))
    if (known == known[:, :1]).all():
        return _complete(values[:, known[:, 0]] if known.size else values)
    return _pair_by_pair(values, known)


def mean_products(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean products [rows, rows] of users, seeds and residual; one seed has the first alone."""
    n_seeds, n_users, rows = values.shape
    centred = values - values.mean(axis=(0, 1))
    users, seeds = centred.mean(axis=0), centred.mean(axis=1)
    left = (centred - users - seeds[:, None]).reshape(-1, rows)
    nothing = np.zeros((rows, rows))
    of_users = n_seeds * users.T @ users / (n_users - 1)
    if n_seeds == 1:
        return of_users, nothing, nothing
    of_seeds = n_users * seeds.T @ seeds / (n_seeds - 1)
    return of_users, of_seeds, left.T @ left / ((n_users - 1) * (n_seeds - 1))


def _complete(values: Floats) -> Layout:
    """The layout where all rows have the same users."""
    n_seeds, n_users, rows = values.shape
    unknown = np.full((rows, rows), np.nan)
    counts = np.full((rows, rows), float(n_users))
    if n_users < 2:
        means = values.mean(axis=(0, 1)) if n_users else np.full(rows, np.nan)
        return Layout(means[:, None] - means, unknown, unknown, counts, n_seeds)
    means = values.mean(axis=(0, 1))
    products = np.stack(mean_products(values))
    scale = products.sum(axis=0).diagonal()
    users, seeds, residual = (of_differences(stratum, scale) for stratum in products)
    seeds = np.where(seeds == 0, residual, seeds)
    size = n_users * n_seeds
    of_users = np.maximum(users - residual, 0) / size
    return Layout(means[:, None] - means, of_users, seeds / size, counts, n_seeds)


def of_differences(products: Floats, scale: Floats) -> Floats:
    """The mean squares of all differences of two rows; `scale` is that of each row's values."""
    own = products.diagonal()
    squares = own[:, None] + own - 2 * products
    return np.where(squares <= _ROUNDING * (scale[:, None] + scale), 0.0, squares)


def _pair_by_pair(values: Floats, known: NDArray[np.bool_]) -> Layout:
    n_seeds, _, rows = values.shape
    parts = np.full((4, rows, rows), np.nan)
    for i in range(rows):
        for j in range(i, rows):
            pair = _complete(values[:, known[:, i] & known[:, j]][:, :, [i, j]])
            kept = (pair.difference, pair.of_users, pair.of_seeds, pair.n_users)
            parts[:, i, j] = [matrix[0, 1] for matrix in kept]
            parts[:, j, i] = [matrix[1, 0] for matrix in kept]
    return Layout(parts[0], parts[1], parts[2], parts[3], n_seeds)
