"""Ranks of the rows within a block, and how far the test lets each of them be trusted.

Rank 1 is the highest mean; rows with equal means share their mean rank. The interval goes from
1 + the number of rows that the test puts above to the number of rows less those it puts below, by
Holm's correction over all pairs of the block: with 1 - alpha all intervals of a block hold the true
ranks at once. The same tests make the verdicts and the tie group, so no two outputs disagree.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .pairwise import Pairwise

COLUMNS = ["rank", "rank_low", "rank_high"]
Floats = NDArray[np.float64]


def intervals(means: Floats, tests: Pairwise, alpha: float) -> pd.DataFrame:
    """One line a row of a block: rank and its interval; NaN for a row whose mean is."""
    known = ~np.isnan(means)
    apart = tests.told_apart(alpha) & known
    above = (apart & (tests.difference < 0)).sum(axis=1)
    below = (apart & (tests.difference > 0)).sum(axis=1)
    ends = [np.where(known, end, np.nan) for end in (1 + above, known.sum() - below)]
    return pd.DataFrame(dict(zip(COLUMNS, [ranked(means[None])[0], *ends], strict=True)))


def ranked(values: ArrayLike) -> Floats:
    """Ranks within each line of `values` [lines, rows]: 1 the highest, ties share; NaN stays."""
    # Equal means may differ in their last bits when sums were taken in another order.
    x = np.round(np.asarray(values, float), 12)
    above = (x[:, None, :] > x[:, :, None]).sum(axis=2)
    equal = (x[:, None, :] == x[:, :, None]).sum(axis=2)
    ranks: Floats = np.where(np.isnan(x), np.nan, above + (equal + 1) / 2)
    return ranks
