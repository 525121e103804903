"""Exposure of the items: catalogue coverage; I is the number of items."""

import numpy as np

from negbench.evaluation.popularity_bias.list_statistics import Ints
from negbench.evaluation.popularity_bias.nan_mean import NAN


def coverage(exposed: Ints) -> float:
    """Catalogue coverage: the share of the items that any list holds.

        Coverage = |union_u R_u| / I

    NaN where all lists are empty.
    """
    return float(np.count_nonzero(exposed) / len(exposed)) if np.any(exposed) else NAN
