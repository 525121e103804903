"""Pairing: the values of the whole rows of a block, side by side for the same users and seeds.

A block is one data set and backbone. Every paired comparison starts here, so that all of them leave
out the same rows: half rows, which lack a seed, and references, which are guards, not candidates.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.evaluation.metric_names import Metric

from ..runs import frames
from ..runs.frames import REFERENCE, ROW, Run
from ..runs.over_seeds import roster

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Paired:
    """The values of one block."""

    dataset: str
    backbone: str
    rows: pd.DataFrame
    """One line a row: the columns ROW."""
    seeds: tuple[int, ...]
    values: Floats
    """Seed x user x row; NaN where that user has no value."""

    @cached_property
    def of_users(self) -> Floats:
        """User x row: the mean over seeds."""
        return _mean(self.values, axis=0)

    @cached_property
    def of_seeds(self) -> Floats:
        """Seed x row: the mean over users."""
        return _mean(self.values, axis=1)

    @cached_property
    def means(self) -> Floats:
        """The mean of each row over users, each user's seeds averaged first."""
        return _mean(self.of_users, axis=0)

    @property
    def names(self) -> list[str]:
        """The rows' labels."""
        return list(self.rows["row"])


def paired(run: Run, metric: Metric) -> list[Paired]:
    """The blocks of a run, by data set and backbone."""
    rows = roster(run)
    whole = rows[(rows["seeds"] >= rows["expected"]) & (rows["kind"] != REFERENCE)]
    found: dict[tuple[str, str, str], dict[int, pd.Series]] = {}
    for cell, row in run.done:
        spec = cell.spec
        seeds = found.setdefault((spec["dataset"], spec["backbone"], row), {})
        values = frames.user_values(cell, *metric)
        if not values.empty or spec["seed"] not in seeds:
            seeds[int(spec["seed"])] = values
    return [
        _block(str(dataset), str(backbone), block[ROW].reset_index(drop=True), found)
        for (dataset, backbone), block in whole.groupby(["dataset", "backbone"])
    ]


def _block(
    dataset: str,
    backbone: str,
    rows: pd.DataFrame,
    found: dict[tuple[str, str, str], dict[int, pd.Series]],
) -> Paired:
    told = [found[dataset, backbone, row] for row in rows["row"]]
    seeds = tuple(sorted({seed for row in told for seed in row}))
    columns = [row.get(seed, pd.Series(dtype=float)) for seed in seeds for row in told]
    side = pd.concat(columns, axis=1).sort_index().to_numpy(float)
    values = side.reshape(len(side), len(seeds), len(told)).transpose(1, 0, 2).copy()
    # A row whose values of one seed cannot be read is half a row, and has no mean (seeds.py).
    values[:, :, np.isnan(values).all(axis=1).any(axis=0)] = np.nan
    return Paired(dataset, backbone, rows, seeds, values)


def _mean(values: Floats, axis: int) -> Floats:
    """The mean of what is there; NaN, without a warning, where nothing is."""
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis)
    mean: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
