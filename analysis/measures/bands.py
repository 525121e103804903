"""Accuracy by popularity band (head, mid, tail), its balance, and accuracy by user activity.

    balance = 1 - Gini(head, mid, tail),   Gini(x) = sum_ij |x_i - x_j| / (2 n^2 mean(x))

With n bands the balance lies in [1/n, 1]: 1 when all bands are served alike, 1/3 when one of three
has everything. It is scale-free, so a uniformly bad row is perfectly balanced: it is never shown
without the total. Source: the negative sampling study of Apple (arXiv 2410.17276), whose plots take
it from NDCG and whose tables take it from hit rate; here it is taken from the metric shown, per
seed, and nothing is added to the bands (the study adds 1e-7).

`activity` does the same for users: it splits the test users into quarters by their number of train
interactions. Users with equal counts stay together: with n users, those whose middle rank is r
(1 is the least active) are all in quarter 1 + floor(4 (r - 1/2) / n), so quarters differ in size
where many users are alike. That samplers favour active users is the finding of Xuan et al. (arXiv
2304.07487).
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from negbench.evaluation.metric_names import Metric
from negbench.ops.inequality import gini
from negbench.storage.cell_store import Cell

from ..runs import frames, recut
from ..runs.frames import ROW, TRAINING, MetricLike, Run
from ..runs.over_seeds import over_seeds

TOTAL = "all"
BALANCE = "balance"
QUARTERS = 4


def balance(values: ArrayLike) -> float:
    """One minus the Gini coefficient of the values by band; NaN if all are 0 or one is NaN."""
    return 1 - gini(values)


def names(run: Run) -> list[str]:
    """The bands of the run, most popular first: head, mid, tail or head, tail."""
    longest = max((cell.record["bands"]["names"] for cell, _ in run.done), key=len)
    return [str(name) for name in longest]


def bands(run: Run, metric: MetricLike = None) -> pd.DataFrame:
    """One line a row and band ("all", each band, "balance"): mean and std over seeds."""
    chosen = frames.choose_metric(run, metric)
    lines = recut.metric_lines(run, chosen)
    values = lines[lines["split"] == "test"]
    parts = values[values["band"] != TOTAL].groupby([*ROW, *TRAINING], sort=False)["value"]
    balances = parts.agg(lambda values: balance(values.to_numpy())).reset_index()
    both = pd.concat([values, balances.assign(band=BALANCE)], ignore_index=True)
    return over_seeds(run, both, by=("band",)).assign(metric=str(chosen))


def user_balances(cell: Cell, metric: Metric) -> pd.Series:
    """A value of each user whose mean is the balance of a cell, so that balances can be tested.

    To first order a user u who has the value x in band b of mean m moves the balance by
    (x - m) d balance / d m / users of b: his value is the balance plus that much for each of his
    bands, times the number of users. Empty where the cell kept no values by band.
    """
    everyone = frames.user_values(cell, metric)
    parts = [frames.user_values(cell, metric, str(name)) for name in cell.record["bands"]["names"]]
    means = np.array([part.mean() for part in parts])
    whole = balance(means)
    if np.isnan(whole) or everyone.empty:
        return pd.Series(dtype=float)
    total, n = means.sum(), len(means)
    slopes = 2 * np.sign(means[:, None] - means).sum(axis=1) - 2 * n * (1 - whole)
    values = pd.Series(whole, index=everyone.index, name="value")
    for part, mean, slope in zip(parts, means, slopes / (2 * n * total), strict=True):
        share = len(part) / len(everyone)
        values = values.sub((part - mean) * slope / share, fill_value=0.0)
    return values


def quarters(counts: ArrayLike) -> NDArray[np.int64]:
    """The quarter of each user [U], 1 for the least active; equal counts share a quarter."""
    x = np.asarray(counts)
    _, inverse, many = np.unique(x, return_inverse=True, return_counts=True)
    middle = 2 * np.cumsum(many) - many  # twice the middle rank, less 1
    by_count: NDArray[np.int64] = 1 + QUARTERS * middle // max(2 * len(x), 1)
    return by_count[inverse]


def activity(run: Run, metric: MetricLike = None) -> pd.DataFrame:
    """One line a row and quarter of users, and one for all: mean and std over seeds of the metric.

    `quarter` is "1" (least active) to "4" or "all"; `users` is its number of users, `low` and
    `high` the range of their train interactions: over several splits the greatest number and the
    widest range. Empty if the run did not record activity.
    """
    chosen = frames.choose_metric(run, metric)
    parts = [_by_quarter(cell, f"{chosen}/{TOTAL}") for cell, _ in run.done]
    lines = frames.repeated(run, [len(part) for part in parts])
    columns = ["quarter", "users", "low", "high", "value"]
    lines[columns] = pd.DataFrame([line for part in parts for line in part], columns=columns)
    each = lines.groupby(["dataset", "quarter"])  # of one split all cells have the same
    low = each["low"].transform("min")
    lines = lines.assign(low=low, **{n: each[n].transform("max") for n in ("users", "high")})
    means = over_seeds(run, lines, by=("quarter", "users", "low", "high"))
    return means.assign(metric=str(chosen))


def _by_quarter(cell: Cell, name: str) -> list[tuple[str, int, int, int, float]]:
    """For all users and for each quarter: name, number of users, lowest and highest count, mean."""
    arrays = cell.arrays("activity", name)
    if len(arrays) < 2 or not len(arrays[name]):
        return []
    known = ~np.isnan(arrays[name])
    counts, values = arrays["activity"][known], arrays[name][known].astype(float)
    quarter = quarters(counts)
    parts = {TOTAL: quarter > 0, **{str(q): quarter == q for q in range(1, QUARTERS + 1)}}
    return [
        (q, int(here.sum()), int(counts[here].min()), int(counts[here].max()), values[here].mean())
        for q, here in parts.items()
        if here.any()
    ]
