"""Inequality of a distribution of counts: the Gini coefficient and Shannon entropy."""

import numpy as np
from numpy.typing import ArrayLike

NAN = float("nan")


PAIRWISE = 16
"""So few values are compared pair by pair, which needs no sorted sum."""


def gini(values: ArrayLike) -> float:
    """The Gini coefficient of non-negative values [I]; NaN if their sum is not above 0.

        G = sum_ij |x_i - x_j| / (2 I sum_k x_k)
          = sum_k (2 k - I - 1) x_k / (I sum_k x_k),  x rising, k = 1 ... I

    0 where all are equal, 1 - 1 / I where one has everything. The first form is O(I^2), the second
    O(I log I); of counts both are exact and agree to the last bit.
    """
    x = np.asarray(values, np.float64)
    n, total = len(x), x.sum()
    if not total > 0:
        return NAN
    if n <= PAIRWISE:
        difference = np.abs(x[:, None] - x).sum() / 2
    else:
        difference = ((2 * np.arange(1, n + 1) - n - 1) * np.sort(x)).sum()
    return float(difference / (n * total))


def entropy(exposed: ArrayLike) -> float:
    """Shannon entropy of exposure, with the natural logarithm (nats).

        H = - sum_i p_i ln p_i,  p_i = x_i / sum x

    ln I where all items are shown equally often, 0 where one has everything.
    """
    x = np.asarray(exposed, np.float64)
    if not x.any():
        return NAN
    p = x[x > 0] / x.sum()
    return float(np.abs((p * np.log(p)).sum()))  # abs: one item alone gives -0.0
