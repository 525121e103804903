"""What ratings mean where nobody said which of them count as liked: the loud line, with shares."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.number_words import percent

PLACES = (0.75, 0.5, 1.0)
"""Where on the scale a threshold is proposed, as 4, 3 and 5 of 1 to 5; the first is named first."""
RARE = 0.05
"""A threshold that keeps less is no proposal: counts of plays, say, are no scale of liking."""


def every_rating_counts(ratings: NDArray[np.float64]) -> tuple[str, ...]:
    """The note on ratings [n], NaN where there is none, when no least rating was given."""
    known = ratings[np.isfinite(ratings)]
    if not len(known):
        return ()
    low, high = float(known.min()), float(known.max())
    if low == high:
        return (f"every rating is {low:g}, so every row counts as liked",)
    kept = {least: int((known >= least).sum()) for least in _thresholds(known, low, high)}
    first, *others = kept
    more = "".join(f", {least:g} {percent(kept[least], len(known))}" for least in sorted(others))
    rows = "rows" if len(known) == len(ratings) else f"{len(known):,} rated rows"
    return (
        f"RATINGS: no --min-rating, so every row counts as liked, one rated {low:g} like one rated "
        f"{high:g}; --min-rating {first:g} would keep {percent(kept[first], len(known))} of the "
        f"{rows}{more}",
    )


def _thresholds(known: NDArray[np.float64], low: float, high: float) -> list[float]:
    """One to three observed ratings above the least, by the scale, or by quantiles if it is no
    scale."""
    distinct = np.sort(pd.unique(known))
    targets = [low + place * (high - low) for place in PLACES]
    proposed = [float(distinct[np.searchsorted(distinct, target)]) for target in targets]
    if (known >= proposed[0]).mean() < RARE:
        proposed = np.quantile(known, (0.5, 0.75), method="higher").tolist()
    return list(dict.fromkeys(each for each in proposed if each > low)) or [float(distinct[1])]
