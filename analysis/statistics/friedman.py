"""Friedman test over blocks, Iman-Davenport F, and Nemenyi's critical difference of mean ranks.

A block is one data set and backbone; N blocks, k rows, references among them, that each of them
holds, R_j the mean rank of row j (1 the best, ties share):

    chi2 = 12 N / (k (k + 1)) (sum_j R_j^2 - k (k + 1)^2 / 4) / c,   k - 1 degrees of freedom
    c    = 1 - sum over ties of (t^3 - t) / (N (k^3 - k))
    F    = (N - 1) chi2 / (N (k - 1) - chi2),   k - 1 and (k - 1)(N - 1) degrees of freedom
    CD   = q_alpha(k) / sqrt(2) * sqrt(k (k + 1) / (6 N))

chi2 by Friedman ("The Use of Ranks to Avoid the Assumption of Normality", Journal of the American
Statistical Association, 1937), F by Iman and Davenport (1980), the critical difference by Nemenyi
(1963) with q the studentised range with infinite degrees of freedom, all as in Demsar ("Statistical
Comparisons of Classifiers over Multiple Data Sets", Journal of Machine Learning Research, 2006).
Below eight blocks the test is refused: chi2 is then a poor approximation and CD is so wide that it
separates nothing. Seeds of one data set are no blocks, for they are not independent.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from negbench.errors import NothingToReport

from ..measures.budget import warm_up_rows
from ..number_format import counted
from ..runs import frames
from ..runs.frames import MetricLike, Run
from .paired_values import Paired, paired
from .rank_intervals import ranked

ALPHA = 0.05
BLOCKS = 8
ROWS = 3
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Friedman:
    """The result of the test, with mean ranks, pairwise p values and cliques."""

    blocks: int
    chi2: float
    p: float
    f: float
    p_f: float
    critical: float
    """The critical difference of mean ranks."""
    alpha: float
    ranks: pd.DataFrame
    """One line a row, best first: row, method, mean_rank, and whether it is tied with the first."""
    pairs: pd.DataFrame
    """Nemenyi's p value of each pair of rows."""
    cliques: tuple[tuple[str, ...], ...]
    """The largest groups of rows that lie within one critical difference."""


def mean_ranks(run: Run, metric: MetricLike = None) -> pd.DataFrame:
    """Rows that every block holds, best mean rank first: row, method, blocks, mean_rank."""
    rows, values = _table(run, metric)
    ranks = rows.assign(blocks=len(values), mean_rank=ranked(values).mean(axis=0))
    return ranks.sort_values(["mean_rank", "row"], ignore_index=True)


def friedman(run: Run, metric: MetricLike = None, *, alpha: float = ALPHA) -> Friedman:
    """The test over the blocks of a run. Raises NothingToReport for too few blocks or rows."""
    rows, values = _table(run, metric)
    require_enough(*values.shape)
    order = np.lexsort((rows["row"], ranked(values).mean(axis=0)))
    rows, values = rows.iloc[order].reset_index(drop=True), values[:, order]
    mean = ranked(values).mean(axis=0)
    critical = critical_difference(values.shape[1], len(values), alpha)
    names = list(rows["row"])
    ranks = rows.assign(blocks=len(values), mean_rank=mean, tied=mean - mean[0] < critical)
    pairs = pd.DataFrame(nemenyi(values), index=names, columns=names)
    tests = statistics(values)
    groups = tuple(tuple(names[at] for at in group) for group in cliques(mean, critical))
    return Friedman(len(values), *tests, critical, alpha, ranks, pairs, groups)


def require_enough(blocks: int, rows: int) -> None:
    """Check the size of a test. Raises NothingToReport for too few blocks or rows."""
    if blocks < BLOCKS:
        raise NothingToReport(
            f"a Friedman test and its critical difference need {BLOCKS} blocks (a data set and "
            f"backbone each) or more; this run has {counted(blocks, 'block')}; read the rank "
            "intervals within each block, or run more data sets or backbones"
        )
    if rows < ROWS:
        raise NothingToReport(
            f"a Friedman test needs {ROWS} rows or more that every block holds; this run has "
            f"{rows}; run the same methods everywhere"
        )


def statistics(values: ArrayLike) -> tuple[float, float, float, float]:
    """chi2, its p, Iman and Davenport's F and its p, of values [blocks, rows]."""
    from scipy.special import chdtrc, fdtrc

    r = ranked(values)
    n, k = r.shape
    ties = sum((np.unique(line, return_counts=True)[1] ** 3).sum() - k for line in r)
    c = 1 - ties / (n * (k**3 - k))
    if c <= 0:  # every row is equal in every block
        return 0.0, 1.0, 0.0, 1.0
    raw = 12 * n / (k * (k + 1)) * ((r.mean(axis=0) ** 2).sum() - k * (k + 1) ** 2 / 4)
    chi2 = max(0.0, float(raw / c))
    left = n * (k - 1) - chi2
    if left <= 1e-12 * n * k:  # every block ranks alike
        return chi2, float(chdtrc(k - 1, chi2)), float("inf"), 0.0
    f = (n - 1) * chi2 / left
    return chi2, float(chdtrc(k - 1, chi2)), f, float(fdtrc(k - 1, (k - 1) * (n - 1), f))


def critical_difference(rows: int, blocks: int, alpha: float = ALPHA) -> float:
    """Nemenyi's CD: studentised range over sqrt(2), times the standard error of mean ranks."""
    from scipy.stats import studentized_range

    q = studentized_range.ppf(1 - alpha, rows, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(rows * (rows + 1) / (6 * blocks)))


def nemenyi(values: ArrayLike) -> Floats:
    """Nemenyi's p values [rows, rows] of values [blocks, rows]; 1 on the diagonal."""
    from scipy.stats import studentized_range

    r = ranked(values)
    n, k = r.shape
    mean = r.mean(axis=0)
    q = np.abs(mean[:, None] - mean) / np.sqrt(k * (k + 1) / (6 * n)) * np.sqrt(2)
    p: Floats = np.ones((k, k))
    upper = np.triu_indices(k, 1)
    p[upper] = studentized_range.sf(q[upper], k, np.inf)
    p.T[upper] = p[upper]
    return np.clip(p, 0.0, 1.0)


def cliques(mean: ArrayLike, critical: float) -> list[list[int]]:
    """The largest runs of two or more sorted mean ranks that span less than `critical`."""
    x = np.asarray(mean, float)
    groups: list[list[int]] = []
    for first in range(len(x)):
        last = int(np.flatnonzero(x - x[first] < critical)[-1])
        if last > first and (not groups or groups[-1][-1] < last):
            groups.append(list(range(first, last + 1)))
    return groups


def _table(run: Run, metric: MetricLike) -> tuple[pd.DataFrame, Floats]:
    """The rows that every block holds, and their means [blocks, rows]; none of warm-ups alone."""
    blocks, warm_up = paired(run, frames.choose_metric(run, metric)), warm_up_rows(run)
    if not blocks:
        return pd.DataFrame(columns=["row", "method"]), np.empty((0, 0))
    held = [_held(block, warm_up) for block in blocks]
    common = sorted(set.intersection(*held))
    columns = [[b.names.index(row) for row in common] for b in blocks]
    lines = [b.means[None, at] for b, at in zip(blocks, columns, strict=True)]
    rows = blocks[0].rows.set_index("row").loc[common].reset_index()[["row", "method"]]
    return rows, np.concatenate(lines)


def _held(block: Paired, warm_up: set[tuple[str, str, str]]) -> set[str]:
    """The rows of a block that can be ranked."""
    known = np.array(block.names)[~np.isnan(block.means)]
    return {row for row in known if (block.dataset, block.backbone, row) not in warm_up}
