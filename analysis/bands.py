"""Bands: whom a row serves. The metric on head, mid and tail items, and how evenly it falls.

    balance = 1 - Gini(head, mid, tail),   Gini(x) = sum_ij |x_i - x_j| / (2 n^2 mean(x))

With n bands the balance lies in [1/n, 1]: 1 when all bands are served alike, 1/3 when one of three
has everything. It knows no scale, so a uniformly bad row is perfectly balanced: it is never shown
without the total. Source: the negative sampling study of Apple (arXiv 2410.17276), whose plots take
it from NDCG and whose tables take it from hit rate; here it is taken from the metric shown, per
seed, and nothing is added to the bands (the study adds 1e-7).
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from negbench.analysis import frames
from negbench.analysis.frames import ROW, Run
from negbench.analysis.seeds import over_seeds

TOTAL = "all"
BALANCE = "balance"


def gini(values: ArrayLike) -> float:
    """The Gini coefficient of non-negative values; NaN where all are 0 or any is unknown."""
    x = np.asarray(values, float)
    total = x.sum()
    if not total > 0:
        return float("nan")
    return float(np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) * total))


def balance(values: ArrayLike) -> float:
    """One minus the Gini coefficient of the bands' values."""
    return 1 - gini(values)


def names(run: Run) -> list[str]:
    """The bands of the run from the most to the least met: head, mid, tail or head, tail."""
    longest = max((cell.record["bands"]["names"] for cell, _ in run.done), key=len)
    return [str(name) for name in longest]


def bands(run: Run, metric: str | None = None) -> pd.DataFrame:
    """One line a row and band ("all", each band, "balance"): mean and std over seeds."""
    name, k = frames.measure(run, metric)
    told = frames.results(run)
    chosen = told[(told["metric"] == name) & (told["k"] == k) & (told["split"] == "test")]
    parts = chosen[chosen["band"] != TOTAL].groupby([*ROW, "seed"], sort=False)["value"]
    even = parts.agg(lambda values: balance(values.to_numpy())).reset_index()
    both = pd.concat([chosen, even.assign(band=BALANCE)], ignore_index=True)
    return over_seeds(run, both, by=("band",)).assign(metric=f"{name}@{k}")
