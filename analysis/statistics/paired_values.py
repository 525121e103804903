"""Per-user values of the rows of a block, aligned by seed and user, for paired tests.

A block is one data set and backbone. Every paired comparison starts here, so that all of them leave
out the same rows: incomplete ones, which lack a seed, and references, which are no candidates.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.evaluation.metric_names import Metric

from ..runs import frames
from ..runs.frames import REFERENCE, ROW, Run
from ..runs.over_seeds import rows_of_run

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Paired:
    """The values of one block [seeds, users, rows]."""

    dataset: str
    backbone: str
    rows: pd.DataFrame
    """One line a row: the columns ROW."""
    seeds: tuple[int, ...]
    values: Floats
    """[seeds, users, rows]; NaN if that user has no value."""

    @cached_property
    def of_users(self) -> Floats:
        """[users, rows]: the mean over seeds."""
        return _mean(self.values, axis=0)

    @cached_property
    def of_seeds(self) -> Floats:
        """[seeds, rows]: the mean over users."""
        return _mean(self.values, axis=1)

    @cached_property
    def means(self) -> Floats:
        """[rows]: the mean over users, each user's seeds averaged first."""
        return _mean(self.of_users, axis=0)

    @property
    def names(self) -> list[str]:
        """The rows' labels."""
        return list(self.rows["row"])


def paired(run: Run, metric: Metric) -> list[Paired]:
    """The blocks of a run, by data set and backbone."""
    rows = rows_of_run(run)
    whole = rows[(rows["seeds"] >= rows["expected"]) & (rows["kind"] != REFERENCE)]
    by_row: dict[tuple[str, str, str], dict[int, pd.Series]] = {}
    for cell, row in run.done:
        spec = cell.spec
        seeds = by_row.setdefault((spec["dataset"], spec["backbone"], row), {})
        values = frames.user_values(cell, metric)
        if not values.empty or spec["seed"] not in seeds:
            seeds[int(spec["seed"])] = values
    return [
        _block(str(dataset), str(backbone), block[ROW].reset_index(drop=True), by_row)
        for (dataset, backbone), block in whole.groupby(["dataset", "backbone"])
    ]


def _block(
    dataset: str,
    backbone: str,
    rows: pd.DataFrame,
    by_row: dict[tuple[str, str, str], dict[int, pd.Series]],
) -> Paired:
    held = [by_row[dataset, backbone, row] for row in rows["row"]]
    seeds = tuple(sorted({seed for row in held for seed in row}))
    columns = [row.get(seed, pd.Series(dtype=float)) for seed in seeds for row in held]
    side = pd.concat(columns, axis=1).sort_index().to_numpy(float)
    values = side.reshape(len(side), len(seeds), len(held)).transpose(1, 0, 2).copy()
    # A row whose values of one seed cannot be read is incomplete: it has no mean (over_seeds.py).
    values[:, :, np.isnan(values).all(axis=1).any(axis=0)] = np.nan
    return Paired(dataset, backbone, rows, seeds, values)


def _mean(values: Floats, axis: int) -> Floats:
    """The mean of the known values; NaN, without a warning, if there are none."""
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis)
    mean: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
