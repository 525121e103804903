"""Accuracy: how well each row ranks the held-out items, mean and spread over seeds.

    value(row, seed) = mean over test users of the metric;  shown: mean and std over seeds

Full ranking of all items the user has not had; `evaluation/metric_names.py` defines the metrics.
"""

import pandas as pd

from ..runs import frames
from ..runs.frames import Run
from ..runs.over_seeds import over_seeds


def accuracy(
    run: Run, metric: str | None = None, *, band: str = "all", split: str = "test"
) -> pd.DataFrame:
    """One line a row of the table: mean, std, seeds, expected; best first within its block."""
    name, k = frames.measure(run, metric)
    told = frames.results(run)
    chosen = told[
        (told["metric"] == name)
        & (told["k"] == k)
        & (told["band"] == band)
        & (told["split"] == split)
    ]
    means = over_seeds(run, chosen).assign(metric=f"{name}@{k}", band=band)
    order = ["dataset", "backbone", "mean", "row"]
    return means.sort_values(order, ascending=[True, True, False, True], ignore_index=True)
