"""Effect size of paired differences: Cohen's d_z with a BCa bootstrap interval; wins and losses.

    d_z = mean(d) / std(d)      (Cohen, "Statistical Power Analysis for the Behavioral Sciences",
                                 1988), std with n - 1

A p value shrinks with every user added; d_z does not. Its interval is the bias-corrected and
accelerated bootstrap over users (Efron, "Better Bootstrap Confidence Intervals", Journal of the
American Statistical Association, 1987). Wins, ties and losses count the users for whom d is above,
at or below zero.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .bootstrap import DRAWS, order_statistic, resampled_sums
from .paired_tests import DIGITS

COLUMNS = ["effect", "effect_low", "effect_high", "wins", "ties", "losses"]
Floats = NDArray[np.float64]


def effects(differences: ArrayLike, *, level: float = 0.95, draws: int = DRAWS) -> pd.DataFrame:
    """One line a column of differences [users, columns]; NaN differences are skipped."""
    d = np.asarray(differences, float)
    low, high = _interval(d, level, draws)
    signs = np.sign(np.round(d, DIGITS))
    counts = [(signs == side).sum(axis=0) for side in (1, 0, -1)]
    values = [standardised(d), low, high, *counts]
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def standardised(differences: ArrayLike) -> Floats:
    """d_z a column: 0 if all differences are zero, infinite if all equal another number."""
    return _ratio(*_moments(np.asarray(differences, float)))


def _moments(d: Floats) -> tuple[Floats, Floats, Floats]:
    known = ~np.isnan(d)
    zeroed = np.where(known, d, 0.0)
    return known.sum(axis=0).astype(float), zeroed.sum(axis=0), (zeroed**2).sum(axis=0)


def _ratio(n: Floats, total: Floats, squares: Floats) -> Floats:
    """d_z from the count, the sum and the sum of squares of differences."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        left = squares - total * mean
        # The rounding error of equal differences is no variance.
        variance = np.where(left <= 1e-12 * squares, 0.0, left) / (n - 1)
        d_z = np.where(total == 0, 0.0, mean / np.sqrt(variance))
    effect: Floats = np.where(n > 1, d_z, np.nan)
    return effect


def _interval(d: Floats, level: float, draws: int) -> tuple[Floats, Floats]:
    from scipy.special import ndtr, ndtri

    n, total, squares = _moments(d)
    seen = _ratio(n, total, squares)
    known = ~np.isnan(d)
    zeroed = np.where(known, d, 0.0)
    sums = resampled_sums(np.hstack([zeroed, zeroed**2]), draws)
    counts = n if known.all() else resampled_sums(known.astype(float), draws)
    drawn = _ratio(counts, *np.split(sums, 2, axis=1))
    drawn = np.where(np.isnan(drawn), seen, drawn)
    below = (drawn < seen).mean(axis=0) + (drawn == seen).mean(axis=0) / 2
    bias = ndtri(np.clip(below, 0.5 / draws, 1 - 0.5 / draws))
    acceleration = _acceleration(known, zeroed, n, total, squares)
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        z = bias + ndtri(share)
        ends.append(order_statistic(drawn, ndtr(bias + z / (1 - acceleration * z))))
    low, high = (np.where(np.isfinite(seen), end, seen) for end in ends)
    return low, high


def _acceleration(
    known: NDArray[np.bool_], zeroed: Floats, n: Floats, total: Floats, squares: Floats
) -> Floats:
    """Efron's a: a sixth of the skewness of d_z when one user at a time is left out."""
    left = _ratio(n - 1, total - zeroed, squares - zeroed**2)
    usable = known & np.isfinite(left)
    count = np.maximum(usable.sum(axis=0), 1)
    mean = np.where(usable, left, 0.0).sum(axis=0) / count
    u = np.where(usable, mean - left, 0.0)
    spread = (u**2).sum(axis=0) ** 1.5
    a: Floats = np.divide(
        (u**3).sum(axis=0), 6 * spread, out=np.zeros(len(spread)), where=spread > 0
    )
    return a
