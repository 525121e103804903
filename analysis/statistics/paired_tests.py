"""Two-sided paired tests on differences d_1 .. d_n that assume no distribution.

    wilcoxon      the sum of the ranks of |d| where d > 0 against where d < 0 (Wilcoxon, "Individual
                  Comparisons by Ranking Methods", Biometrics Bulletin, 1945). Zeros are left out,
                  his own rule, so it speaks of the users for whom something changes. Exact up to
                  50 values without ties among |d| and up to 13 with; else the normal
                  approximation, corrected for ties.
    permutation   the share of random flips of the signs of d whose |mean| is at least the one seen
                  (Fisher, "The Design of Experiments", 1935): p = (1 + b) / (1 + flips), never 0.

The ranks take differences below half a millionth as zero, and those that agree so far as ties:
values are stored in single precision. Where all d are zero, p is 1.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import CHUNK, generator

DIGITS = 6
FLIPS = 9999
NAN = float("nan")
Floats = NDArray[np.float64]


def signed_rank(differences: ArrayLike) -> tuple[float, float]:
    """The smaller of the two rank sums and its p value; NaN for fewer than two differences."""
    d = np.round(np.asarray(differences, float), DIGITS)
    if len(d) < 2:
        return NAN, NAN
    d = d[d != 0]
    if not len(d):
        return 0.0, 1.0
    from scipy.stats import wilcoxon

    result = wilcoxon(d)
    return float(result.statistic), float(result.pvalue)


def signed_ranks(differences: Floats) -> tuple[Floats, Floats]:
    """`signed_rank` of each column [n, columns]; NaN is skipped."""
    results = [signed_rank(column[~np.isnan(column)]) for column in differences.T]
    return np.array([w for w, _ in results]), np.array([p for _, p in results])


def rank_sides(differences: Floats) -> Floats:
    """1 where the ranks of the positive differences of a column outweigh, -1 where they do not."""
    from scipy.stats import rankdata

    d = np.where(np.isnan(differences), 0.0, np.round(differences, DIGITS))
    columns = [column[column != 0] for column in d.T]
    return np.array([np.sign((np.sign(c) * rankdata(np.abs(c))).sum()) for c in columns])


def sign_flips(differences: ArrayLike, flips: int = FLIPS) -> tuple[Floats, Floats]:
    """The mean of each column [n, columns] and its p value; all columns share their flips."""
    d = np.asarray(differences, float)
    known = ~np.isnan(d)
    d = np.where(known, d, 0.0)
    n, seen = len(d), np.abs(d.sum(axis=0))
    rng = generator("signs")
    reached = np.zeros(d.shape[1], int)
    step = max(1, CHUNK // max(n, 1))
    for start in range(0, flips, step):
        size = min(step, flips - start)
        bits = np.unpackbits(rng.integers(0, 256, (size, -(-n // 8)), np.uint8), axis=1)[:, :n]
        # Sums that are equal but for rounding count as reached.
        reached += (np.abs((1.0 - 2.0 * bits) @ d) >= seen * (1 - 1e-12) - 1e-15).sum(axis=0)
    count = known.sum(axis=0)
    mean = np.divide(d.sum(axis=0), count, out=np.full(len(count), NAN), where=count > 0)
    return mean, np.where(count > 1, (1 + reached) / (1 + flips), NAN)
