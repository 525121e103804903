"""Expected tuned score: the test score that a random search of n trials would have picked.

    E_n = sum over k of C(N - k, n - 1) / C(N, n) t_k,    n = 1 .. N

N trials are sorted by validation, best first, and t_k is the test score of the k-th: among n of the
N, drawn without replacement, the k-th is the best with that probability (Dodge et al., "Show Your
Work", EMNLP 2019, with replacement; Tang et al., "Showing Your Work Doesn't Always Work", ACL 2020,
without). E_1 is a setting at random, E_N the winner by one seed. Trials that tie in validation
share the mean of their test scores. A failed trial counts in the last place, with the lowest test
score of a trial of its row that finished. Validation alone picks; test scores are only averaged.

The band is a percentile bootstrap over trials: N are drawn from the N with replacement and the
closed form is computed anew. It covers the choice of trials, not users, seeds or splits.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..statistics.bootstrap import DRAWS, generator, order_statistic
from .searches import Searched

Floats = NDArray[np.float64]
LEVEL = 0.95
ROUNDING = 1e-9
"""Differences below this share of a score are of the arithmetic: equal rows stay tied."""
FAILED_LAST = (
    "A failed trial counts in the last place, with the lowest test score of a trial of its row "
    "that finished."
)
BAND = (
    "Bands: the middle 95 % of a bootstrap over trials; they cover which trials were drawn, not "
    "users, seeds or splits."
)
CUT = "halving cut some trials, which so have no test score at the full budget"
NO_TEST = "a trial that finished has no test score"
NONE = "no trial finished"


@dataclass(frozen=True)
class Curve:
    """E_n of one row for n = 1 .. N, with its band and its cost."""

    planned: int
    """How many trials the search has."""
    failed: int
    n: NDArray[np.int64]
    expected: Floats
    low: Floats
    """The band; NaN where there is one trial."""
    high: Floats
    cpu_seconds: Floats
    """The expected cost of n random trials: n times the mean of a trial."""
    dots: Floats
    """The same in dot products."""

    @property
    def complete(self) -> bool:
        """Whether all trials of the search are over."""
        return len(self.n) == self.planned

    @property
    def final(self) -> float:
        """E_N: the test score of the trial that validation by one seed puts first."""
        return float(self.expected[-1])

    @property
    def trials(self) -> str:
        """How many trials it is of: "16", or "12 of 16" while some are pending."""
        return f"{self.planned}" if self.complete else f"{len(self.n)} of {self.planned}"


def curve(searched: Searched, draws: int = DRAWS) -> Curve | None:
    """E_n of a row over the trials that are over; None where `why_none` gives a reason."""
    if why_none(searched):
        return None
    over = searched.counted
    valid = np.array([trial.valid if trial.done else np.nan for trial in over])
    test = np.array([trial.test if trial.done else np.nan for trial in over])
    n = np.arange(1, len(over) + 1)
    low, high = bands(valid, test, draws)
    return Curve(
        planned=len(searched.trials),
        failed=int(np.isnan(valid).sum()),
        n=n,
        expected=expected_scores(valid, test),
        low=low,
        high=high,
        cpu_seconds=_costs([trial.cpu_seconds for trial in over]),
        dots=_costs([trial.dots for trial in over]),
    )


def why_none(searched: Searched) -> str:
    """Why a row has no curve, as a clause; empty where it has one."""
    done = [trial for trial in searched.trials if trial.done]
    if not done:
        return NONE
    if searched.halved:
        return CUT
    return NO_TEST if any(np.isnan(trial.test) for trial in done) else ""


def expected_scores(valid: ArrayLike, test: ArrayLike) -> Floats:
    """E_n [N] of trials with these values; a NaN in `valid` is a trial that failed."""
    scores, places = _sorted(np.asarray(valid, float), np.asarray(test, float))
    everyone = np.arange(len(scores))[None]
    expected: Floats = _closed_form(scores, places, everyone)[0]
    return expected


def bands(valid: ArrayLike, test: ArrayLike, draws: int = DRAWS) -> tuple[Floats, Floats]:
    """The ends [N] of the band of every E_n; NaN for one trial, which has no spread.

    Rows with as many trials are resampled alike, so their curves stay paired by trial.
    """
    valid, test = np.asarray(valid, float), np.asarray(test, float)
    n = len(valid)
    if n < 2:
        return np.full(n, np.nan), np.full(n, np.nan)
    scores, places = _sorted(valid, test)
    at = np.empty(n, int)
    at[_order(valid)] = np.arange(n)
    drawn = np.sort(at[generator("trials").integers(0, n, (draws, n))], axis=1)
    curves = _closed_form(scores, places, drawn)
    low, high = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    return order_statistic(curves, low), order_statistic(curves, high)


def passes(expected: ArrayLike, bar: float) -> int | None:
    """The least n whose E_n is above `bar`, by more than rounding; None if there is none."""
    above = np.flatnonzero(np.asarray(expected, float) > bar + ROUNDING * abs(bar))
    return int(above[0]) + 1 if len(above) else None


@cache
def pick_chances(n_trials: int) -> Floats:
    """The chance [N, N] that the k-th best of N is the best of n drawn: row k - 1, column n - 1."""
    n = np.arange(1, n_trials + 1)
    chances = np.empty((n_trials, n_trials))
    chances[0] = n / n_trials
    for k in range(2, n_trials + 1):  # by the ratio to the one before: no large binomial
        chances[k - 1] = chances[k - 2] * np.maximum(n_trials - k - n + 2, 0) / (n_trials - k + 1)
    chances.setflags(write=False)
    return chances


def _closed_form(scores: Floats, places: NDArray[np.int64], drawn: NDArray[np.int64]) -> Floats:
    """E_n [draws, N] of trials drawn [draws, N] by place, best first; ties share their mean."""
    width = int(places[-1]) + 1
    taken, tied = scores[drawn], places[drawn]
    cells = tied + width * np.arange(len(drawn))[:, None]
    sums = np.bincount(cells.ravel(), taken.ravel(), minlength=width * len(drawn))
    counts = np.bincount(cells.ravel(), minlength=width * len(drawn))
    shared: Floats = (sums[cells] / counts[cells]) @ pick_chances(drawn.shape[1])
    return shared


def _sorted(valid: Floats, test: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Test scores, best validation first, and the place of each, the same for those that tie."""
    failed = np.isnan(valid)
    filled = np.where(failed, test[~failed].min(), test)
    order = _order(valid)
    ranked = np.where(failed, -np.inf, valid)[order]
    places = np.cumsum(np.r_[0, ranked[1:] != ranked[:-1]])
    return filled[order], places


def _order(valid: Floats) -> NDArray[np.int64]:
    """Best first; failed trials last."""
    order: NDArray[np.int64] = np.argsort(-np.where(np.isnan(valid), -np.inf, valid), kind="stable")
    return order


def _costs(costs: list[float]) -> Floats:
    """The expected cost of n = 1 .. N trials: n times the mean over those whose cost is known."""
    known = [cost for cost in costs if cost == cost]
    mean = sum(known) / len(known) if known else np.nan
    return np.arange(1.0, len(costs) + 1) * mean
