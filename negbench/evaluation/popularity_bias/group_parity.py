"""Parity of popularity bands: equal chances to be recommended (PopRSP) and to be hit (PopREO).

g is a band, H_u are the test items of user u, S_u the seen items, which are never recommended. Both
measures are std_g(p_g) / mean_g(p_g), with the population standard deviation over the bands: 0
where every band has the same chance. A band whose chance has an empty denominator is left out; with
fewer than two bands there is nothing to compare and the value is NaN.
"""

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.evaluation.popularity_bias.list_statistics import Ints
from negbench.evaluation.popularity_bias.nan_mean import ratio, unevenness

Labels = NDArray[np.int8]


def popreo(top: Ints, users: Ints, test: Csr, labels: Labels, n_bands: int) -> float:
    """Popularity-based ranking-based equal opportunity (Zhu et al. 2020).

        p_g = sum_u |R_u and H_u and g| / sum_u |H_u and g|

    The true positive rate of each band.
    """
    filled = top >= 0
    keys = users[:, None].astype(np.int64) * test.n_columns + top
    hits = top[filled & np.isin(keys, test.keys)]
    once = test.distinct  # a list holds an item once, however often a user comes back to it
    wanted = once.indices[np.isin(once.rows, users)]
    return unevenness(ratio(_by_band(hits, labels, n_bands), _by_band(wanted, labels, n_bands)))


def poprsp(top: Ints, users: Ints, seen: Csr, labels: Labels, n_bands: int) -> float:
    """Popularity-based ranking-based statistical parity (Zhu et al. 2020).

        p_g = sum_u |R_u and g| / sum_u |g without S_u|

    The chance of an item of the band to be recommended. S_u holds train and valid here: neither is
    ranked for the test part.
    """
    seen_keys = np.unique(
        seen.rows * seen.n_columns + seen.indices
    )  # a pair may come twice in a log
    row, item = np.divmod(seen_keys, max(seen.n_columns, 1))
    seen_by_band = _by_band(item[np.isin(row, users)], labels, n_bands)
    possible = len(users) * np.bincount(labels, minlength=n_bands) - seen_by_band
    return unevenness(ratio(_by_band(top[top >= 0], labels, n_bands), possible))


def _by_band(items: Ints, labels: Labels, n_bands: int) -> NDArray[np.int64]:
    return np.bincount(labels[items], minlength=n_bands)
