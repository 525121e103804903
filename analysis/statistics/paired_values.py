"""Per-user values of the rows of a block, aligned by seed and user, for paired tests.

In a run repeated over splits they are aligned by split and user, the seeds of a split averaged.

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
Training = tuple[int, int]
"""Partition and seed."""


@dataclass(frozen=True, eq=False)
class Paired:
    """The values of one block [seeds, users, rows]."""

    dataset: str
    backbone: str
    rows: pd.DataFrame
    """One line a row: the columns ROW; a reference has the backbone of the block."""
    seeds: tuple[int, ...]
    values: Floats
    """[seeds or splits, users, rows]; NaN if that user has no value."""
    splits: tuple[int, ...] = ()
    """The splits of `values`; empty where the run is of one split."""

    @cached_property
    def of_users(self) -> Floats:
        """[users, rows]: the mean over seeds or splits."""
        return _mean(self.values, axis=0)

    @cached_property
    def means(self) -> Floats:
        """[rows]: the mean over users, each user's seeds averaged first; splits weigh the same."""
        if self.splits:
            return _mean(_mean(self.values, axis=1), axis=0)
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
    by_row: dict[tuple[str, str, str], dict[Training, pd.Series]] = {}
    for cell, row in run.done:
        spec = cell.spec
        trained = by_row.setdefault((spec["dataset"], cell.backbone, row), {})
        of_cell = values(cell) if values else frames.user_values(cell, metric)
        training = (cell.partition, int(spec["seed"]))
        if not of_cell.empty or training not in trained:
            trained[training] = of_cell
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
    dataset: str, backbone: str, rows: pd.DataFrame, held: list[dict[Training, pd.Series]]
) -> Paired:
    kinds = rows["kind"]
    trained = [of_row for of_row, kind in zip(held, kinds, strict=True) if kind != REFERENCE]
    trainings = sorted({training for of_row in trained for training in of_row})
    seeds = tuple(sorted({seed for _, seed in trainings}))
    partitions = tuple(sorted({partition for partition, _ in trainings}))
    held = [
        _under_each(trainings, of_row) if kind == REFERENCE else of_row
        for of_row, kind in zip(held, kinds, strict=True)
    ]
    columns = [row.get(training, pd.Series(dtype=float)) for training in trainings for row in held]
    side = pd.concat(columns, axis=1).sort_index().to_numpy(float)
    values = side.reshape(len(side), len(trainings), len(held)).transpose(1, 0, 2).copy()
    # A row whose values of one seed cannot be read is incomplete: it has no mean (over_seeds.py).
    values[:, :, np.isnan(values).all(axis=1).any(axis=0)] = np.nan
    if len(partitions) < 2:
        return Paired(dataset, backbone, rows, seeds, values)
    of = np.array([partition for partition, _ in trainings])
    by_split = np.stack([_mean(values[of == partition], axis=0) for partition in partitions])
    return Paired(dataset, backbone, rows, seeds, by_split, partitions)


def _under_each(
    trainings: list[Training], of_row: dict[Training, pd.Series]
) -> dict[Training, pd.Series]:
    """A reference's one value a user and split, under every seed."""
    by_split = {partition: values for (partition, _), values in of_row.items()}
    return {each: by_split[each[0]] for each in trainings if each[0] in by_split}


def _mean(values: Floats, axis: int) -> Floats:
    """The mean of the known values; NaN, without a warning, if there are none."""
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis)
    mean: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
