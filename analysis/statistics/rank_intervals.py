"""Ranks of the rows within a block, with bootstrap intervals over users and seeds.

Rank 1 is the highest mean; rows with equal means share their mean rank. The interval holds
95 % of the ranks under a bootstrap that draws users and seeds, each with replacement and all rows
of a user and seed together (the pigeonhole bootstrap: Owen, "The pigeonhole bootstrap", Annals of
Applied Statistics, 2007). With few seeds it reflects little of the variation over seeds; with one
seed only that over users.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..runs import frames
from ..runs.frames import ROW, MetricLike, Run
from .bootstrap import DRAWS, generator, order_statistic, resampled_sums
from .paired_values import Paired, paired

COLUMNS = ["rank", "rank_low", "rank_high"]
Floats = NDArray[np.float64]


def ranks(run: Run, metric: MetricLike = None) -> pd.DataFrame:
    """One line a whole row of methods: its mean, rank and interval within its block."""
    blocks = paired(run, frames.choose_metric(run, metric))
    parts = [b.rows.assign(mean=b.means).join(intervals(b)) for b in blocks]
    if not parts:
        return pd.DataFrame(columns=[*ROW, "mean", *COLUMNS])
    return pd.concat(parts, ignore_index=True)


def intervals(block: Paired, *, level: float = 0.95, draws: int = DRAWS) -> pd.DataFrame:
    """One line a row of a block: rank, lowest and highest rank of its interval."""
    drawn = ranked(_resampled_means(block, draws))
    low, high = (order_statistic(drawn, (1 + side * level) / 2) for side in (-1, 1))
    here = ranked(block.means[None])[0]
    unknown = np.isnan(block.means)
    ends = [np.where(unknown, np.nan, end) for end in (low, high)]
    return pd.DataFrame(dict(zip(COLUMNS, [here, *ends], strict=True)))


def ranked(values: ArrayLike) -> Floats:
    """Ranks within each line of `values` [lines, rows]: 1 the highest, ties share; NaN stays."""
    # Equal means may differ in their last bits when sums were taken in another order.
    x = np.round(np.asarray(values, float), 12)
    above = (x[:, None, :] > x[:, :, None]).sum(axis=2)
    equal = (x[:, None, :] == x[:, :, None]).sum(axis=2)
    ranks: Floats = np.where(np.isnan(x), np.nan, above + (equal + 1) / 2)
    return ranks


def _resampled_means(block: Paired, draws: int) -> Floats:
    known = ~np.isnan(block.values)
    drawn = generator("seeds").multinomial(len(known), [1 / len(known)] * len(known), draws)
    total = _drawn_sums(np.where(known, block.values, 0.0), drawn)
    # Where every user has a value, as is the rule, the counts are the same in every draw.
    count = np.array(len(known) * known.shape[1])
    count = count if known.all() else _drawn_sums(known.astype(float), drawn)
    means: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means


def _drawn_sums(values: Floats, drawn: NDArray[np.int64]) -> Floats:
    """Sums [draws, rows] of values [seeds, users, rows] over drawn users and seeds."""
    seeds, users, rows = values.shape
    columns = values.transpose(1, 0, 2).reshape(users, seeds * rows)
    sums = resampled_sums(columns, len(drawn)).reshape(len(drawn), seeds, rows)
    total: Floats = np.einsum("ds,dsr->dr", drawn, sums)
    return total
