"""Which rows of a block are told apart: all pairs tested at once, for pairs picked by looking.

A sentence that picks the best row of a block, or the best on a band, compares it with rows that
nobody named beforehand. Its p values are those of `pairwise.py`, corrected over all pairs of the
block, so that any pair may be picked. References are rows like any other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.evaluation.metric_names import Metric
from negbench.storage.cell_store import Cell

from ..measures import bands
from ..runs import frames
from ..runs.frames import Run
from .multiple_testing import Floats
from .paired_values import paired
from .pairwise import pairwise
from .test_procedure import ALPHA

Where = tuple[str, str]
"""A data set and a backbone."""


@dataclass(frozen=True, eq=False)
class ToldApart:
    """The tests between all rows of one data set and backbone, on one measure."""

    names: tuple[str, ...]
    difference: Floats
    """[rows, rows]: the row of the line less the row of the column."""
    p: Floats
    """[rows, rows], corrected over all pairs; NaN where nothing can be tested."""
    covers_seeds: bool
    """Whether the test counts the seeds as a sample, or covers users alone."""
    alpha: float = ALPHA

    @property
    def untested(self) -> bool:
        """Whether there are pairs and none can be tested, as with one user."""
        return len(self.names) > 1 and bool(np.isnan(self.p).all())

    def side(self, one: str, other: str) -> int:
        """1 if `one` is told to be above `other`, -1 if below, 0 if they are not told apart."""
        if one not in self.names or other not in self.names:
            return 0
        return int(self.sides([one, other])[0, 1])

    def sides(self, rows: Iterable[str]) -> NDArray[np.int64]:
        """`side` of each pair of these rows [rows, rows]."""
        at = [self.names.index(row) for row in rows]
        apart = np.nan_to_num(self.p[np.ix_(at, at)], nan=1.0) < self.alpha
        return np.where(apart, np.sign(self.difference[np.ix_(at, at)]), 0).astype(int)

    def p_of(self, one: str, other: str) -> float:
        """The corrected p value of two rows."""
        return float(self.p[self.names.index(one), self.names.index(other)])

    def untold(self, row: str, others: Iterable[str]) -> list[str]:
        """Those of `others` that are not told apart from a row."""
        return [other for other in others if other != row and not self.side(row, other)]


@lru_cache(maxsize=32)  # table, verdict and figures need the same pairs
def told_apart(run: Run, metric: Metric, band: str = bands.TOTAL) -> Mapping[Where, ToldApart]:
    """The tests of every block: on all items, on a band of items, or on the balance over bands."""
    tests = {}
    for block in paired(run, metric, _values(metric, band)):
        pairs = pairwise(block)
        tests[block.dataset, block.backbone] = ToldApart(
            tuple(block.names), pairs.difference, pairs.p_corrected, pairs.covers_seeds
        )
    return tests


def _values(metric: Metric, band: str) -> Callable[[Cell], pd.Series]:
    """The function that gives each user's value in a cell."""
    if band == bands.BALANCE:
        return partial(bands.user_balances, metric=metric)
    return partial(frames.user_values, metric=metric, band=band)
