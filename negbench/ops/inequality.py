"""Inequality of a distribution of counts: the Gini coefficient and Shannon entropy."""

import numpy as np
from numpy.typing import ArrayLike

NAN = float("nan")


def gini(exposed: ArrayLike) -> float:
    """The Gini coefficient of exposure.

        G = sum_k (2 k - I - 1) x_k / (I sum_k x_k),  x rising, k = 1 ... I

    0 where all items are shown equally often, 1 - 1 / I where one has everything.
    """
    x = np.sort(np.asarray(exposed, np.float64))
    n, total = len(x), x.sum()
    if not total:
        return NAN
    return float(((2 * np.arange(1, n + 1) - n - 1) * x).sum() / (n * total))


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
