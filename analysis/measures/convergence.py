"""Convergence: the validation metric during training, by epoch and by wall clock.

One line an evaluated epoch and seed. Wall seconds count from the start of training and hold
everything: sampling, scoring, update, probes, evaluation. The test part is not used.

    time to 95 % = first evaluated epoch, and its wall seconds, whose value is at least 0.95 times
                   the best of the same row and seed;  shown: mean and spread over seeds

Of a method with a phase of its own only that phase counts, as in early stopping: what its warm-up
reached is not what it is named after. The time is still from the start of training.

It is a row's own best, so a row that learns little may be quick: read it beside the accuracy.
"""

import pandas as pd

from negbench.storage.training_end import kept_from

from ..runs import frames
from ..runs.frames import ROW, TRAINING, Run, trainings
from ..runs.over_seeds import by_epoch, spreads

START = "valid_"


def convergence(run: Run) -> pd.DataFrame:
    """One line an evaluated epoch and cell: key, seed, epoch, wall, metric, value."""
    epochs = frames.epochs(run)
    # Each cell is validated by one metric; those of a run may differ in it.
    watched = [name for name in epochs.columns if name.startswith(START) and "@" in name]
    values = epochs[watched].dropna(how="all")
    if values.empty:
        return pd.DataFrame(columns=[*ROW, *TRAINING, "epoch", "wall", "metric", "value"])
    # Columns by name, for a method may log a `value` or a `metric` of its own.
    curves = epochs.loc[values.index].reindex(columns=[*ROW, *TRAINING, "epoch", "wall"])
    metrics = [str(name).removeprefix(START) for name in values.notna().idxmax(axis=1)]
    curves = curves.assign(metric=metrics, value=values.bfill(axis=1).iloc[:, 0])
    return curves.astype({"epoch": int}).reset_index(drop=True)


def mean_curve(curves: pd.DataFrame, x: str) -> pd.DataFrame:
    """The mean over seeds by epoch, up to the epoch where the first seed of the row stops.

    Past that point the mean would jump when a seed stops, which says nothing of learning.
    """
    curves = curves.assign(training=trainings(curves))
    seeds = curves["training"].nunique()
    by_epoch = curves.groupby("epoch", as_index=False)
    means = by_epoch.agg(x=(x, "mean"), value=("value", "mean"), seeds=("training", "nunique"))
    return means[means["seeds"] == seeds]


def mean_curves(run: Run) -> pd.DataFrame:
    """One line a row and evaluated epoch: mean wall seconds and value, while all seeds train."""
    curves = convergence(run)
    metrics = curves.groupby(ROW, as_index=False)["metric"].first()
    return by_epoch(curves, ["wall", "value"]).merge(metrics, on=ROW)


def time_to(run: Run, share: float = 0.95) -> pd.DataFrame:
    """One line a row: epochs and wall seconds to this share of its own best, over seeds.

    Columns `epochs` and `wall`, each with its spread as `name_std`, and `best`, the mean best
    value. A seed whose best is not above 0 has no such time.
    """
    keys = [*ROW, *TRAINING]
    curves = convergence(run).merge(_phases(run), on=keys, how="left")
    curves = curves[curves["epoch"] >= curves["begins"]].copy()
    curves["best"] = curves.groupby(keys)["value"].transform("max")
    there = curves[(curves["best"] > 0) & (curves["value"] >= share * curves["best"])]
    firsts = there.sort_values("epoch", kind="stable").groupby(keys, as_index=False, sort=False)
    first = firsts.first().rename(columns={"epoch": "epochs"})
    seeds = curves[keys].drop_duplicates().merge(first, on=keys, how="left")
    return spreads(run, seeds, ["epochs", "wall", "best"]).assign(share=share)


def _phases(run: Run) -> pd.DataFrame:
    """The epoch that the phase of each cell's weights began in, 1 where it is not recorded."""
    frame = frames.repeated(run, [1] * sum(1 for _ in run.done))
    return frame.assign(begins=[kept_from(cell.record.get("fit") or {}) for cell, _ in run.done])
