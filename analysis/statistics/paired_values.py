"""Per-user values of the rows of a block, aligned by seed and user, for paired tests.

A block is one data set and backbone. Every paired comparison starts here, so that all of them leave
out the same rows: incomplete ones, which lack a seed. References compete: nothing of theirs is
drawn, so their one value a user stands under every seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.evaluation.metric_names import Metric
from negbench.storage.cell_store import Cell

from ..runs import frames
from ..runs.frames import REFERENCE, ROW, Run
from ..runs.over_seeds import rows_of_run

Floats = NDArray[np.float64]
_KEY = ["dataset", "backbone", "row"]


@dataclass(frozen=True, eq=False)
class Paired:
    """The values of one block [seeds, users, rows]."""

    dataset: str
    backbone: str
    rows: pd.DataFrame
    """One line a row: the columns ROW; a reference has the backbone of the block."""
    seeds: tuple[int, ...]
    values: Floats
    """[seeds, users, rows]; NaN if that user has no value."""

    @cached_property
    def of_users(self) -> Floats:
        """[users, rows]: the mean over seeds."""
        return _mean(self.values, axis=0)

    @cached_property
    def means(self) -> Floats:
        """[rows]: the mean over users, each user's seeds averaged first."""
        return _mean(self.of_users, axis=0)

    @property
    def names(self) -> list[str]:
        """The rows' labels."""
        return list(self.rows["row"])


def paired(
    run: Run, metric: Metric, values: Callable[[Cell], pd.Series] | None = None
) -> list[Paired]:
    """The blocks of a run, by data set and backbone; those without a method are left out.

    `values` gives the values of a cell by user; without it they are those of `metric`.
    """
    rows = rows_of_run(run)
    whole = rows[rows["seeds"] >= rows["expected"]]
    by_row: dict[tuple[str, str, str], dict[int, pd.Series]] = {}
    for cell, row in run.done:
        spec = cell.spec
        seeds = by_row.setdefault((spec["dataset"], cell.backbone, row), {})
        of_cell = values(cell) if values else frames.user_values(cell, metric)
        if not of_cell.empty or spec["seed"] not in seeds:
            seeds[int(spec["seed"])] = of_cell
    references = whole[whole["kind"] == REFERENCE]
    blocks = []
    for (dataset, backbone), methods in whole[whole["kind"] != REFERENCE].groupby(
        ["dataset", "backbone"]
    ):
        block = pd.concat([methods, references[references["dataset"] == dataset]])
        held = [by_row[where] for where in block[_KEY].itertuples(index=False, name=None)]
        lines = block[ROW].assign(backbone=str(backbone)).reset_index(drop=True)
        blocks.append(_block(str(dataset), str(backbone), lines, held))
    return blocks


def _block(
    dataset: str, backbone: str, rows: pd.DataFrame, held: list[dict[int, pd.Series]]
) -> Paired:
    kinds = rows["kind"]
    trained = [of_row for of_row, kind in zip(held, kinds, strict=True) if kind != REFERENCE]
    seeds = tuple(sorted({seed for of_row in trained for seed in of_row}))
    held = [
        dict.fromkeys(seeds, next(iter(of_row.values()))) if kind == REFERENCE else of_row
        for of_row, kind in zip(held, kinds, strict=True)
    ]
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
