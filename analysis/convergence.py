"""Convergence: the validation metric as training goes on, by epoch and by wall clock.

One line an evaluated epoch and seed. Wall seconds count from the start of training and hold
everything: sampling, scoring, update, evaluation. The test part is not looked at.
"""

import pandas as pd

from negbench.analysis import frames
from negbench.analysis.frames import ROW, Run

START = "valid_"


def convergence(run: Run) -> pd.DataFrame:
    """Columns: the row's names, seed, epoch, wall, metric, value; empty where nothing was kept."""
    told = frames.epochs(run)
    watched = [name for name in told.columns if name.startswith(START)]
    if not watched:
        return pd.DataFrame(columns=[*ROW, "seed", "epoch", "wall", "metric", "value"])
    column = watched[0]
    kept = told.dropna(subset=[column]).assign(metric=column.removeprefix(START))
    kept = kept.rename(columns={column: "value"}).astype({"epoch": int})
    return kept[[*ROW, "seed", "epoch", "wall", "metric", "value"]].reset_index(drop=True)


def mean_curve(curves: pd.DataFrame, x: str) -> pd.DataFrame:
    """The mean over seeds by epoch, as far as every seed of the row still trains.

    Past that point the mean would jump when a seed stops, which says nothing of learning.
    """
    seeds = curves["seed"].nunique()
    by_epoch = curves.groupby("epoch", as_index=False)
    means = by_epoch.agg(x=(x, "mean"), value=("value", "mean"), seeds=("seed", "nunique"))
    return means[means["seeds"] == seeds]
