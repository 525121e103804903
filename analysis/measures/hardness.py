"""Hardness of the negatives: score gaps and percentiles, band composition, gradient norms.

    gap         score of the negative - score of its positive; quantiles 10, 50, 90 %
    percentile  share of the user's unseen items that score below the negative; the same quantiles
    neg_<band>  share of the negatives that lie in this band of items
    divergence  sum_b n_b ln(n_b / c_b),  n: those shares, c: the catalogue's shares of items
    ess         (sum_j w_j)^2 / (N sum_j w_j^2), the effective sample size of the weights w
    grad_norm   mean over rows of |d row loss / d query|;  grad_zero  share of rows without
                gradient: the loss slopes of their negatives sum to less than 0.01

On the negatives as used, after masking and selection. A gap near 0 or above and a percentile near 1
are hard; hard negatives give larger gradients and are false more often, so read this together with
`false_negatives`. The effective sample size is Kish's; the rest are plain counts of this suite.
"""

import pandas as pd

from ..runs import frames
from ..runs.frames import ROW, TRAINING, Run
from ..runs.over_seeds import by_epoch as epoch_means
from ..runs.over_seeds import spreads
from . import bands

QUANTILES = tuple(f"{what}_p{at}" for what in ("gap", "percentile") for at in (10, 50, 90))
MAKE_UP = ("neg_divergence", "neg_popularity", "distinct", "ess", "grad_norm", "grad_zero")
RARE = ("snap",)
"""Distance of synthesised vectors to the nearest item; only for methods that synthesise."""


def hardness(run: Run) -> pd.DataFrame:
    """One line a row that was probed: the mean over its epochs up to the best, then over seeds.

    The spread over seeds of each is `name_std`.
    """
    epochs, names = _epochs(run)
    best = frames.cells(run).reindex(columns=[*ROW, *TRAINING, "best_epoch"])
    epochs = epochs.merge(best, on=[*ROW, *TRAINING], how="left")
    until_best = epochs[~(epochs["epoch"] > epochs["best_epoch"])]
    means = until_best.groupby([*ROW, *TRAINING], as_index=False, sort=False)[names].mean()
    return spreads(run, means, names)


def by_epoch(run: Run) -> pd.DataFrame:
    """One line a row and epoch: the mean of each measure over seeds, while all of them train."""
    epochs, names = _epochs(run)
    return epoch_means(epochs, ["wall", *names])


def _epochs(run: Run) -> tuple[pd.DataFrame, list[str]]:
    """The epochs in which any of these was measured, and the names of the measures."""
    epochs = frames.epochs(run)
    rare = [name for name in RARE if name in epochs]
    names = [*QUANTILES, *(f"neg_{band}" for band in bands.names(run)), *MAKE_UP, *rare]
    epochs = epochs.reindex(columns=[*ROW, *TRAINING, "epoch", "wall", *names])
    return epochs.dropna(how="all", subset=names), names
