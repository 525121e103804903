"""Two-sided paired tests on differences d_1 .. d_n: t, Wilcoxon signed-rank, sign-flip.

    paired-t      t = mean(d) / (std(d) / sqrt(n)), n - 1 degrees of freedom (Student, "The Probable
                  Error of a Mean", Biometrika, 1908)
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

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import CHUNK, generator

DIGITS = 6
FLIPS = 9999
NAN = float("nan")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Test:
    """A paired test: its words for a footnote, and its function."""

    description: str
    run: Callable[[Floats], tuple[Floats, Floats]]
    """Differences [n, columns] to a statistic and a p value a column; NaN is skipped."""
    least: int
    """The fewest differences with which p can be read at the five per cent level."""


def paired_t(differences: ArrayLike) -> tuple[float, float]:
    """The t statistic and p value; NaN for fewer than two differences."""
    from scipy.special import stdtr  # the t distribution without the weight of scipy.stats

    d = np.asarray(differences, float)
    if len(d) < 2:
        return NAN, NAN
    mean, error = d.mean(), d.std(ddof=1) / np.sqrt(len(d))
    if error == 0:
        return (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    t = float(mean / error)
    return t, float(2 * stdtr(len(d) - 1, -abs(t)))


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


def _by_column(
    test: Callable[[ArrayLike], tuple[float, float]],
) -> Callable[[Floats], tuple[Floats, Floats]]:
    def run(differences: Floats) -> tuple[Floats, Floats]:
        results = [test(column[~np.isnan(column)]) for column in differences.T]
        return np.array([t for t, _ in results]), np.array([p for _, p in results])

    return run


TESTS: Mapping[str, Test] = {
    "paired-t": Test("paired t test", _by_column(paired_t), 3),
    "wilcoxon": Test(
        "Wilcoxon signed-rank test, zeros left out", _by_column(signed_rank), 6
    ),  # 2 / 2^5 > 0.05 >= 2 / 2^6
    "permutation": Test(f"sign-flip permutation test, {FLIPS:,} draws", sign_flips, 6),
}
"""The tests by the name that users type."""
