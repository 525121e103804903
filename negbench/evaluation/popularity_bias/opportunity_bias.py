"""Popularity-opportunity bias: do popular test items of a user rank above the unpopular ones?

rank_u(i) is the rank, from 1, of test item i among all unseen items of user u; full ranks, so there
is no K. A rank of 0 means that the item was not ranked; such pairs are left out.
Source: Zhu et al., WSDM 2021 (popularity-opportunity bias). 0 is no bias, above 0 popular items
rank higher, 1 is the maximum.
"""

import numpy as np

from negbench.data.interactions import Csr
from negbench.evaluation.popularity_bias.list_statistics import Ints
from negbench.evaluation.popularity_bias.nan_mean import mean, ratio
from negbench.evaluation.popularity_bias.spearman import group_spearman, spearman


def pru(ranks: Ints, test: Csr, popularity: Ints) -> float:
    """Popularity-rank correlation for users (Zhu et al., WSDM 2021).

        PRU = - mean_u Spearman(pop_i, rank_u(i): i in H_u)

    `ranks` has one entry for each pair of `test`. Users with fewer than two test items, or whose
    test items are all equally popular, have no correlation and are left out (ours).
    """
    ranked = ranks > 0
    rows, items = test.rows[ranked], test.indices[ranked]
    return 0.0 - mean(group_spearman(popularity[items], ranks[ranked], rows, test.n_rows))


def pri(ranks: Ints, test: Csr, popularity: Ints) -> float:
    """Popularity-rank correlation for items (Zhu et al., WSDM 2021).

        PRI = - Spearman(pop_i, mean over users who like i of rank_u(i): i in any H_u)

    Items without a test pair are left out.
    """
    ranked = ranks > 0
    items = test.indices[ranked]
    likes = np.bincount(items, minlength=test.n_columns)
    sums = np.bincount(items, weights=ranks[ranked], minlength=test.n_columns)
    liked = likes > 0
    return 0.0 - spearman(popularity[liked], ratio(sums, likes)[liked])
