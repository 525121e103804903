"""Accuracy: the ranking metric of each row on the held-out items, mean and spread over seeds.

    value(row, seed) = mean over test users of the metric;  shown: mean and std over seeds

Full ranking of all items that the user has not interacted with; `evaluation/metric_names.py`
defines the metrics.
"""

import pandas as pd

from ..runs import frames, recut
from ..runs.frames import MetricLike, Run
from ..runs.over_seeds import over_seeds


def accuracy(
    run: Run, metric: MetricLike = None, *, band: str = "all", split: str = "test"
) -> pd.DataFrame:
    """One line a row: mean, std, seeds, expected; best first within its block.

    Any metric at any K where the cells keep the ranks of their held-out pairs, of test and valid.
    """
    chosen = frames.choose_metric(run, metric)
    lines = recut.metric_lines(run, chosen)
    values = lines[(lines["band"] == band) & (lines["split"] == split)]
    means = over_seeds(run, values).assign(metric=str(chosen), band=band)
    order = ["dataset", "backbone", "mean", "row"]
    return means.sort_values(order, ascending=[True, True, False, True], ignore_index=True)
