"""Whether popular items that a user likes stand before unpopular items that he likes as well.

rank_u(i) is the place from 1 on of test item i among all items that user u has not had; full
ranks, so there is no K. A rank of 0 says that the item was not ranked, and leaves the pair out.
Source: Zhu et al., WSDM 2021 (popularity-opportunity bias). 0 is no bias, above 0 the popular
stand higher, 1 is the most there can be.
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

    An item that nobody likes in the test part is left out.
    """
    ranked = ranks > 0
    items = test.indices[ranked]
    likes = np.bincount(items, minlength=test.n_columns)
    sums = np.bincount(items, weights=ranks[ranked], minlength=test.n_columns)
    liked = likes > 0
    return 0.0 - spearman(popularity[liked], ratio(sums, likes)[liked])
