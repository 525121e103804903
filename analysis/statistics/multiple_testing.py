"""Multiple-testing corrections of p values: Holm, Benjamini-Hochberg, none.

    holm   sorted p_(i) (m - i + 1), made monotone upwards: no false finding at all, with 1 - alpha
           (Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
           of Statistics, 1979)
    bh     sorted p_(i) m / i, made monotone downwards: at most a share alpha of the findings is
           false in expectation (Benjamini and Hochberg, "Controlling the False Discovery Rate",
           Journal of the Royal Statistical Society B, 1995)
    none   p as it is

All keep NaN and do not count it among the m.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def holm(p: ArrayLike) -> Floats:
    """Holm's adjusted p values, at most 1."""
    values, order = _ordered(p)
    steps = values[order] * np.arange(len(order), 0, -1)
    return _placed(values, order, np.maximum.accumulate(steps))


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """The adjusted p values of Benjamini and Hochberg, at most 1."""
    values, order = _ordered(p)
    steps = values[order] * (len(order) / np.arange(1, len(order) + 1))
    return _placed(values, order, np.minimum.accumulate(steps[::-1])[::-1])


def uncorrected(p: ArrayLike) -> Floats:
    """The p values as they are."""
    return np.array(p, float)


def _ordered(p: ArrayLike) -> tuple[Floats, NDArray[np.intp]]:
    """The values, and the indices of the known ones in rising order."""
    values = np.asarray(p, float)
    known = np.flatnonzero(~np.isnan(values))
    return values, known[np.argsort(values[known], kind="stable")]


def _placed(values: Floats, order: NDArray[np.intp], adjusted: Floats) -> Floats:
    placed = np.full(len(values), np.nan)
    placed[order] = np.minimum(adjusted, 1.0)
    return placed


CORRECTIONS: Mapping[str, tuple[str, Callable[[ArrayLike], Floats]]] = {
    "holm": ("Holm-corrected", holm),
    "bh": ("Benjamini-Hochberg-corrected", benjamini_hochberg),
    "none": ("not corrected", uncorrected),
}
"""By the name that users type: the words for a footnote, and the function."""
