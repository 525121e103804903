"""How the room in the lists is shared among the items.

x_i is the exposure of item i: the number of lists that hold it; I the number of items. All items
count, those that no list holds too.
"""

import numpy as np

from negbench.evaluation.popularity_bias.list_statistics import Ints
from negbench.evaluation.popularity_bias.nan_mean import NAN
from negbench.evaluation.popularity_bias.spearman import spearman


def coverage(exposed: Ints) -> float:
    """Catalogue coverage: the share of the items that any list holds.

        Coverage = |union_u R_u| / I

    NaN where nothing was shown to anybody.
    """
    return float(np.count_nonzero(exposed) / len(exposed)) if np.any(exposed) else NAN


def popularity_correlation(exposed: Ints, popularity: Ints) -> float:
    """Spearman correlation of popularity and exposure over all items (our choice, no source).

        rho(pop_i, x_i: i = 1 ... I), equal values sharing their mean rank

    Of ranks, not of counts: both are so skewed that Pearson's would be decided by a few items.
    1 where more popular is always shown more often; NaN where either is the same for all items.
    """
    return spearman(popularity, exposed)
