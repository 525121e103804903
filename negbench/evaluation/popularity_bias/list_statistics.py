"""Statistics of recommendation lists and user profiles: the sums behind all measures.

A list is a row of `top` int [n, K]; -1 fills it where the catalogue ran out and is not counted. A
profile is a user's row of the train part, or the history of a user who is not trained on.
"""

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.evaluation.popularity_bias.nan_mean import Floats, ratio

Ints = NDArray[np.integer]


def exposure(top: Ints, n_items: int) -> NDArray[np.int64]:
    """Number of lists that hold each item, [I]."""
    return np.bincount(top[top >= 0], minlength=n_items)


def list_means(top: Ints, values: NDArray[np.generic]) -> Floats:
    """The mean over each list of a value of its items, [n]; NaN for an empty list."""
    filled = top >= 0
    picked = np.where(filled, values[top].astype(np.float64), 0.0)
    return ratio(picked.sum(1), filled.sum(1))


def profile_means(train: Csr, users: Ints, values: NDArray[np.generic]) -> Floats:
    """The mean over each user's profile of a value of its items, [n]; NaN where it is empty."""
    weights = values[train.indices].astype(np.float64)
    sums = np.bincount(train.rows, weights=weights, minlength=train.n_rows)
    return ratio(sums[users], train.lengths[users])


def unseen_means(seen: Csr, users: Ints, values: NDArray[np.generic]) -> Floats:
    """The mean over each user's unseen items of a value of the items, [n]: of lists at random.

    NaN for a user who has seen every item.
    """
    weights = values.astype(np.float64)
    once = seen.distinct
    had = np.bincount(once.rows, weights=weights[once.indices], minlength=seen.n_rows)
    return ratio(weights.sum() - had[users], seen.n_columns - once.lengths[users])


def list_shares(top: Ints, labels: NDArray[np.int8], n_bands: int) -> Floats:
    """The share of each band in each list, [n, bands]."""
    return np.stack([list_means(top, labels == band) for band in range(n_bands)], axis=1)


def profile_shares(train: Csr, users: Ints, labels: NDArray[np.int8], n_bands: int) -> Floats:
    """The share of each band in each user's profile, [n, bands]."""
    shares = [profile_means(train, users, labels == band) for band in range(n_bands)]
    return np.stack(shares, axis=1)
