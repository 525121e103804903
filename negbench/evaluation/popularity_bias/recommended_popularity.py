"""Popularity of recommended items; the popularity of an item is its number of train pairs.

R_u is the list of user u, pop_j the popularity of item j, T the items of the last band.
"""

import numpy as np
from numpy.typing import NDArray

from negbench.evaluation.popularity_bias.list_statistics import Ints, list_means
from negbench.evaluation.popularity_bias.nan_mean import NAN, mean


def arp(top: Ints, popularity: Ints) -> float:
    """Average recommendation popularity (Yin et al. 2012).

        ARP = mean_u (1 / |R_u|) sum_{j in R_u} pop_j

    In train pairs; higher is more popular. A list that the catalogue could not fill is averaged
    over the items it holds.
    """
    return mean(list_means(top, popularity))


def aplt(top: Ints, labels: NDArray[np.int8], tail: int) -> float:
    """Average percentage of long-tail items, as a share (Abdollahpouri et al. 2019).

        APLT = mean_u |R_u and T| / |R_u|

    T is here the last band of the run. NaN where that band has no items.
    """
    in_tail = labels == tail
    return mean(list_means(top, in_tail)) if np.any(in_tail) else NAN
