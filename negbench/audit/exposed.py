"""How the room in the lists is shared among the items.

x_i is the exposure of item i: the number of lists that hold it; I the number of items. All items
count, those that no list holds too.
"""

import numpy as np

from negbench.audit.averages import NAN
from negbench.audit.lists import Ints
from negbench.audit.spearman import spearman


def coverage(exposed: Ints) -> float:
    """Catalogue coverage: the share of the items that any list holds.

        Coverage = |union_u R_u| / I

    NaN where nothing was shown to anybody.
    """
    return float(np.count_nonzero(exposed) / len(exposed)) if np.any(exposed) else NAN


def gini(exposed: Ints) -> float:
    """The Gini coefficient of exposure.

        G = sum_k (2 k - I - 1) x_k / (I sum_k x_k),  x rising, k = 1 ... I

    0 where all items are shown equally often, 1 - 1 / I where one has everything.
    """
    x = np.sort(np.asarray(exposed, np.float64))
    n, total = len(x), x.sum()
    if not total:
        return NAN
    return float(((2 * np.arange(1, n + 1) - n - 1) * x).sum() / (n * total))


def entropy(exposed: Ints) -> float:
    """Shannon entropy of exposure, with the natural logarithm (nats).

        H = - sum_i p_i ln p_i,  p_i = x_i / sum x

    ln I where all items are shown equally often, 0 where one has everything.
    """
    x = np.asarray(exposed, np.float64)
    if not x.any():
        return NAN
    p = x[x > 0] / x.sum()
    return float(np.abs((p * np.log(p)).sum()))  # abs: one item alone gives -0.0


def popularity_correlation(exposed: Ints, popularity: Ints) -> float:
    """Spearman correlation of popularity and exposure over all items (our choice, no source).

        rho(pop_i, x_i: i = 1 ... I), equal values sharing their mean rank

    Of ranks, not of counts: both are so skewed that Pearson's would be decided by a few items.
    1 where more popular is always shown more often; NaN where either is the same for all items.
    """
    return spearman(popularity, exposed)
