"""Averages where there may be nothing to average: NaN, and never a warning."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
NAN = float("nan")


def mean(values: ArrayLike) -> float:
    """The mean of the known values; NaN where none is known."""
    x = np.asarray(values, np.float64)
    known = x[~np.isnan(x)]
    return float(known.mean()) if len(known) else NAN


def ratio(parts: ArrayLike, whole: ArrayLike) -> Floats:
    """Parts over whole, NaN where the whole is 0."""
    above, below = np.broadcast_arrays(np.asarray(parts, float), np.asarray(whole, float))
    out: Floats = np.full(above.shape, NAN)
    np.divide(above, below, out=out, where=below != 0)
    return out


def unevenness(values: ArrayLike) -> float:
    """Standard deviation over mean of the known values: 0 where all are alike.

    The standard deviation is that of the values themselves (over n). NaN below two known values,
    which cannot differ, and where all are 0.
    """
    x = np.asarray(values, np.float64)
    known = x[~np.isnan(x)]
    if len(known) < 2 or not known.any():
        return NAN
    return float(known.std() / known.mean())
