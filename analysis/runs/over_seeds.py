"""Mean and standard deviation over seeds; a row that lacks a seed gets NaN.

The spread is the sample standard deviation (n - 1) over seeds, undefined for one seed. A row that
lacks a seed which others of its data set and backbone have gets no mean: the seeds that fail are
not a random choice of seeds, and means over different seeds do not compare. The same holds for one
column of a row that is unknown under a seed that finished.

In a run repeated over splits a seed trains once a split: what is said of seeds here holds for these
trainings, and `seeds` and `expected` count them.
"""

from collections.abc import Sequence

import pandas as pd

from . import frames
from .frames import ROW, Run, trainings


def rows_of_run(run: Run) -> pd.DataFrame:
    """One line a row of the run: seeds finished, seeds expected, and why any is missing.

    Methods are expected to have every seed that any method of the data set and backbone has;
    references, which sample nothing, only their own.
    """
    cells = frames.cells(run)
    cells["training"] = trainings(cells)
    block = cells.groupby(["dataset", "backbone"])["training"].transform("nunique")
    own = cells.groupby(ROW)["training"].transform("nunique")
    cells["expected"] = block.where(cells["kind"] == "method", own)
    cells["seeds"] = (cells["status"] == "done").astype(int)
    rows = cells.groupby(ROW, as_index=False, sort=False)
    return rows.agg(
        seeds=("seeds", "sum"),
        expected=("expected", "first"),
        reason=("reason", lambda reasons: next((r for r in reasons if r), "")),
    )


def over_seeds(run: Run, values: pd.DataFrame, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Mean and standard deviation of `value` over seeds, per row and `by`; NaN if a seed lacks."""
    rows = values.groupby([*ROW, *by], as_index=False, sort=False)
    means = rows.agg(mean=("value", "mean"), std=("value", "std"), known=("value", "count"))
    means = means.merge(rows_of_run(run), on=ROW, how="left")
    means.loc[means["known"] < means["expected"], ["mean", "std"]] = float("nan")
    return means.drop(columns="known")


def spreads(run: Run, values: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """One line a row: the mean of each column over seeds, and its spread as `name_std`."""
    rows = values.groupby(ROW, as_index=False, sort=False)[list(names)]
    frame = rows.mean().merge(rows.std(), on=ROW, suffixes=("", "_std"))
    known = frame[ROW].merge(rows.count(), on=ROW)
    frame = frame.merge(rows_of_run(run)[[*ROW, "seeds", "expected"]], on=ROW, how="left")
    for name in names:
        frame.loc[known[name] < frame["expected"], [name, f"{name}_std"]] = float("nan")
    columns = [name for pair in ((n, f"{n}_std") for n in names) for name in pair]
    return frame[[*ROW, *columns, "seeds", "expected"]]


def by_epoch(values: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """One line a row and epoch: the mean of each column over seeds, while all of them train.

    Past the epoch where the first seed stops the mean would jump, which says nothing of learning.
    """
    values = values.assign(_training=trainings(values))
    seeds = values.groupby(ROW)["_training"].transform("nunique")
    each = values.assign(_all=seeds).groupby([*ROW, "epoch"], as_index=False, sort=False)
    means = each.agg(
        **{name: (name, "mean") for name in names},
        seeds=("_training", "nunique"),
        _all=("_all", "first"),
    )
    means = means[means["seeds"] == means["_all"]].drop(columns="_all")
    return means.astype({"epoch": int}).reset_index(drop=True)
