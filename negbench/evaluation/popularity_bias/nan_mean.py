"""Means and ratios that are NaN, without a warning, where there is nothing to average."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
NAN = float("nan")


def mean(values: ArrayLike) -> float:
    """The mean of the values that are not NaN; NaN if there are none."""
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
    """Coefficient of variation of the values that are not NaN: 0 where all are equal.

    Standard deviation (over n) by mean. NaN below two such values and where all are 0.
    """
    x = np.asarray(values, np.float64)
    known = x[~np.isnan(x)]
    if len(known) < 2 or not known.any():
        return NAN
    return float(known.std() / known.mean())
