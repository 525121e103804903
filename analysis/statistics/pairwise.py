"""All pairs of rows of a block under one test: differences, intervals, p values and power.

Everything that says which of two rows is better reads it here: verdicts, marks, tie groups and
intervals of ranks. [i, j] is row i less row j.

    crossed       t of the mean difference, users and seeds as crossed random effects
                  (`crossed_effects.py`), with the quantiles of `weighted_t.py`. With one seed it is
                  paired-t, and covers users alone. Over several splits of the data it is users and
                  splits that are crossed (`split_effects.py`).
    paired-t      t over users, the seeds of a user averaged (Student, "The Probable Error of a
                  Mean", Biometrika, 1908): other users, these trained models
    wilcoxon      signed ranks over users, likewise (`paired_tests.py`); rows whose ranks and means
                  point to different sides are not told apart
    permutation   flips of signs over users, likewise
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from . import weighted_t
from .crossed_effects import Floats, Layout, layout
from .multiple_testing import holm
from .paired_tests import FLIPS, rank_sides, sign_flips, signed_ranks
from .paired_values import Paired
from .split_effects import split_layout

POWER = 0.8
LEVEL = 0.95
MOST_SEEDS = 1000
"""More seeds are not looked at: no one trains them."""
TESTS: Mapping[str, str] = {
    "crossed": "t test with users and seeds as crossed random effects",
    "paired-t": "paired t test over users",
    "wilcoxon": "Wilcoxon signed-rank test over users (zeros left out)",
    "permutation": f"sign-flip permutation test over users ({FLIPS:,} draws)",
}
"""The tests by the name that users type, with their words."""


@dataclass(frozen=True, eq=False)
class Pairwise:
    """The tests of all pairs of rows [rows, rows]; NaN on the diagonal and where unknown."""

    parts: Layout
    statistic: Floats
    p: Floats
    covers_seeds: bool
    """Whether the test counts the seeds, or splits, as a sample; else these trainings alone."""
    side: Floats | None = None
    """1 or -1: the side that a test of ranks finds the greater; None where it is the mean's."""

    @property
    def difference(self) -> Floats:
        """The mean difference over the users whom both rows have."""
        return self.parts.difference

    @cached_property
    def p_corrected(self) -> Floats:
        """Holm's p values over all pairs of the block."""
        upper = np.triu_indices(len(self.p), 1)
        corrected = np.full(self.p.shape, np.nan)
        corrected[upper] = holm(self.p[upper])
        corrected.T[upper] = corrected[upper]
        return corrected

    def told_apart(self, alpha: float) -> NDArray[np.bool_]:
        """The pairs that are told apart, corrected over all pairs of the block."""
        return (self.p_corrected < alpha) & self.agrees

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Whether test and means point to one side: most users may lose where the mean gains."""
        if self.side is None:
            return np.ones(self.p.shape, bool)
        agrees: NDArray[np.bool_] = self.side == np.sign(self.difference)
        return agrees

    @property
    def error(self) -> Floats:
        """The standard error of the difference."""
        error: Floats = np.sqrt(self.parts.of_users + self.parts.of_seeds)
        return error

    @property
    def df(self) -> Floats:
        """Satterthwaite's degrees of freedom of the standard error."""
        parts = self.parts
        return weighted_t.satterthwaite(
            parts.of_users, parts.of_seeds, parts.n_users - 1, max(parts.n_seeds - 1, 1)
        )

    @property
    def half_width(self) -> Floats:
        """Half the width of the 95 % interval of the difference."""
        return weighted_t.quantile((1 + LEVEL) / 2, *self._share_and_df) * self.error

    def detectable(self, alpha: float) -> Floats:
        """The least difference that one test at `alpha` finds four times in five (power 0.8).

        NaN where no difference varies, as of two rows that are one training: it is not 0.
        """
        least = weighted_t.least_effect(alpha, POWER, *self._share_and_df) * self.error
        return np.where(self.error > 0, least, np.nan)

    def seeds_needed(self, alpha: float) -> Floats:
        """The fewest seeds (or splits, if there are several) that make the difference `detectable`.

        Users, and the variances, as here. Infinite where 1,000 seeds would not do; NaN where one
        seed, or a test over users, leaves the variance over seeds unknown.
        """
        if not self.covers_seeds:
            return np.full(self.p.shape, np.nan)
        fewer, enough = np.ones(self.p.shape), np.full(self.p.shape, float(MOST_SEEDS))
        while (enough - fewer > 1).any():  # more seeds never find less
            middle = (fewer + enough) // 2
            will_do = self._detectable_with(middle, alpha)
            fewer, enough = np.where(will_do, fewer, middle), np.where(will_do, middle, enough)
        needed = np.where(self._detectable_with(enough, alpha), enough, np.inf)
        return np.where(np.isnan(self.p), np.nan, needed)

    def _detectable_with(self, seeds: Floats, alpha: float) -> NDArray[np.bool_]:
        """Whether the difference seen would be detectable with so many seeds of each pair."""
        parts = self.parts
        of_seeds = parts.of_seeds * parts.n_seeds / seeds
        variance = parts.of_users + of_seeds
        share, df_users = _ratio(of_seeds, variance), np.maximum(parts.n_users - 1, 1)
        df_seeds = np.maximum(seeds - 1, 1)
        least = weighted_t.least_effect(alpha, POWER, share, df_users, df_seeds) * np.sqrt(variance)
        size = np.abs(parts.difference)
        enough: NDArray[np.bool_] = (size > 0) & (size >= least) & (seeds > 1)
        return enough

    @property
    def _share_and_df(self) -> tuple[Floats, Floats, int]:
        """The seeds' share of the variance, and the degrees of freedom of users and of seeds."""
        parts = self.parts
        share = _ratio(parts.of_seeds, parts.of_users + parts.of_seeds)
        return share, np.maximum(parts.n_users - 1, 1), max(parts.n_seeds - 1, 1)


def pairwise(block: Paired, test: str = "crossed") -> Pairwise:
    """The tests of all pairs of a block's rows; `test` is a name of TESTS."""
    if test == "crossed":
        parts = split_layout(block.values) if block.splits else layout(block.values)
        return Pairwise(parts, *_t(parts), parts.n_seeds > 1)
    parts = layout(block.of_users[None])
    if test == "paired-t":
        return Pairwise(parts, *_t(parts), False)
    upper = np.triu_indices(len(block.names), 1)
    differences = block.of_users[:, upper[0]] - block.of_users[:, upper[1]]
    results = (signed_ranks if test == "wilcoxon" else sign_flips)(differences)
    statistic, p = (np.full(parts.difference.shape, np.nan) for _ in range(2))
    for matrix, result in zip((statistic, p), results, strict=True):
        matrix[upper] = matrix.T[upper] = result
    if test == "permutation":  # its statistic is the mean, which has the sign of the difference
        statistic = np.where(np.isnan(p), np.nan, parts.difference)
    if test == "permutation":
        return Pairwise(parts, statistic, p, False)
    side = np.zeros(parts.difference.shape)
    side[upper] = rank_sides(differences)
    return Pairwise(parts, statistic, p, False, side - side.T)


def _t(parts: Layout) -> tuple[Floats, Floats]:
    """t and its p value; where no difference varies p is 1 if all are zero, else 0."""
    variance = parts.of_users + parts.of_seeds
    seen = np.where(np.abs(parts.difference) < 1e-12, 0.0, parts.difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(seen == 0, 0.0, seen / np.sqrt(variance))
    t = np.where(np.isnan(variance), np.nan, t)
    np.fill_diagonal(t, np.nan)
    df_users = np.maximum(parts.n_users - 1, 1)
    share = _ratio(parts.of_seeds, variance)
    p = weighted_t.two_sided(t, share, df_users, max(parts.n_seeds - 1, 1))
    return t, np.where(np.isinf(t), 0.0, np.where(t == 0, 1.0, p))


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
    return ratio
