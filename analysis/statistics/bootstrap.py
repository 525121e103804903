"""Bootstrap over users: the resampling behind the intervals of effect sizes.

Users are drawn with replacement, all rows of a user together, so that pairs stay pairs.
The draws come from a generator whose seed is fixed: the same records give the same intervals.
"""

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 1999
CHUNK = 4_000_000
"""Resampling counts held in memory at once."""
Floats = NDArray[np.float64]


def generator(name: str) -> np.random.Generator:
    """A generator seeded by this name; the same in every process."""
    return np.random.default_rng([20, zlib.crc32(name.encode())])


def resampled_sums(columns: Floats, draws: int = DRAWS) -> Floats:
    """Sums [draws, columns] of `columns` [users, columns] over users drawn with replacement."""
    rng = generator("users")
    n = len(columns)
    sums = np.zeros((draws, columns.shape[1]))
    step = max(1, CHUNK // max(n, 1))
    for start in range(0, draws if n else 0, step):
        size = min(step, draws - start)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        sums[start : start + size] = counts.astype(float) @ columns
    return sums


def order_statistic(values: ArrayLike, share: ArrayLike) -> Floats:
    """The quantile of `values` [draws, ...] at `share`, taken as one of the values.

    No interpolation, so infinite values stay infinite. `share` is one number, or one a column.
    """
    ordered = np.sort(np.asarray(values, float), axis=0)
    at = np.round((len(ordered) + 1) * np.asarray(share)).astype(int) - 1
    at = np.broadcast_to(np.clip(at, 0, len(ordered) - 1), ordered.shape[1:])
    quantiles: Floats = np.take_along_axis(ordered, at[None], axis=0)[0]
    return quantiles
