"""Exposure of the items: catalogue coverage and correlation with popularity.

x_i is the exposure of item i: the number of lists that hold it; I the number of items. Items that
no list holds count too.
"""

import numpy as np

from negbench.evaluation.popularity_bias.list_statistics import Ints
from negbench.evaluation.popularity_bias.nan_mean import NAN
from negbench.evaluation.popularity_bias.spearman import spearman


def coverage(exposed: Ints) -> float:
    """Catalogue coverage: the share of the items that any list holds.

        Coverage = |union_u R_u| / I

    NaN where all lists are empty.
    """
    return float(np.count_nonzero(exposed) / len(exposed)) if np.any(exposed) else NAN


def popularity_correlation(exposed: Ints, popularity: Ints) -> float:
    """Spearman correlation of popularity and exposure over all items (our choice, no source).

        rho(pop_i, x_i: i = 1 ... I), equal values sharing their mean rank

    Of ranks, not of counts: both are so skewed that a few items would decide Pearson's correlation.
    1 where more popular items always have more exposure; NaN where either is constant.
    """
    return spearman(popularity, exposed)
