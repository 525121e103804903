"""Significance: is a difference more than luck over users?

Per data set and backbone, each row is compared with `vs` on the same test users by a paired t test:

    d_u = mean over seeds of value(row, u) - mean over seeds of value(vs, u)
    t   = mean(d) / (std(d) / sqrt(n)),   two-sided, n - 1 degrees of freedom

The p values of a block are corrected together by Holm's step-down rule (Holm, "A Simple
Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics, 1979). The tie
group holds the row with the highest mean and every row that the same test, corrected likewise,
cannot tell from it. Seeds are averaged first, for the values of one user under two seeds are not
two independent observations. References are left out: they are guards, not candidates.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from negbench.analysis import frames
from negbench.analysis.frames import REFERENCE, ROW, Run
from negbench.analysis.seeds import roster

ALPHA = 0.05
TEST = "paired t test over users"
CORRECTION = "Holm"
Floats = NDArray[np.float64]


def paired_t(differences: ArrayLike) -> tuple[float, float]:
    """The t statistic and two-sided p value of paired differences; NaN for fewer than two."""
    from scipy.special import stdtr  # the t distribution without the weight of scipy.stats

    d = np.asarray(differences, float)
    if len(d) < 2:
        return float("nan"), float("nan")
    mean, error = d.mean(), d.std(ddof=1) / np.sqrt(len(d))
    if error == 0:
        return (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    t = float(mean / error)
    return t, float(2 * stdtr(len(d) - 1, -abs(t)))


def holm(p: ArrayLike) -> Floats:
    """Holm's adjusted p values: sorted p_(i) (m - i + 1), made monotone, at most 1; NaN stays."""
    values = np.asarray(p, float)
    adjusted = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def significance(
    run: Run, metric: str | None = None, *, vs: str = "random", alpha: float = ALPHA
) -> pd.DataFrame:
    """One line a whole row of methods: its difference to `vs`, p, p_holm, verdict and tie group.

    `verdict` is "better", "worse" or "same", and "" where `vs` is not in the block.
    """
    name, k = frames.measure(run, metric)
    rows = roster(run)
    whole = rows[(rows["seeds"] == rows["expected"]) & (rows["kind"] != REFERENCE)]
    values = _values(run, name, k)
    blocks = [
        _block(block, values, vs, alpha) for _, block in whole.groupby(["dataset", "backbone"])
    ]
    if not blocks:
        return pd.DataFrame(columns=[*ROW, *_COLUMNS, "metric", "vs"])
    return pd.concat(blocks, ignore_index=True).assign(metric=f"{name}@{k}", vs=vs)


_COLUMNS = ["n_users", "mean", "difference", "relative", "t", "p", "p_holm", "verdict"]
_COLUMNS += ["best", "p_best", "tied"]
Key = tuple[str, str, str]


def _values(run: Run, metric: str, k: int) -> dict[Key, pd.Series]:
    """Per row the value of each user, averaged over seeds."""
    seeds: dict[Key, list[pd.Series]] = {}
    for cell, row in run.done:
        key = (cell.spec["dataset"], cell.spec["backbone"], row)
        seeds.setdefault(key, []).append(frames.user_values(cell, metric, k))
    return {key: pd.concat(found, axis=1).mean(axis=1) for key, found in seeds.items()}


def _block(
    block: pd.DataFrame, values: dict[Key, pd.Series], vs: str, alpha: float
) -> pd.DataFrame:
    keys = list(block[["dataset", "backbone", "row"]].itertuples(index=False, name=None))
    means = np.array([values[key].mean() for key in keys])
    best = int(np.nanargmax(means)) if not np.isnan(means).all() else 0
    told = block[ROW].assign(n_users=[len(values[key]) for key in keys], mean=means)
    told["best"] = np.arange(len(keys)) == best
    to_best = [_compare(values[key], values[keys[best]]) for key in keys]
    told["p_best"] = _corrected(to_best, own=best)
    told["tied"] = ~(told["p_best"] < alpha)
    base = next((at for at, key in enumerate(keys) if key[2] == vs), None)
    if base is None:
        nothing = dict.fromkeys(["difference", "relative", "t", "p", "p_holm"], float("nan"))
        return told.assign(**nothing, verdict="")
    pairs = [_compare(values[key], values[keys[base]]) for key in keys]
    told[["difference", "t", "p"]] = pairs
    told.loc[told.index[base], ["t", "p"]] = float("nan")
    told["relative"] = told["difference"] / means[base] if means[base] else float("nan")
    told["p_holm"] = _corrected(pairs, own=base)
    sides = np.where(told["difference"] > 0, "better", "worse")
    told["verdict"] = np.where(told["p_holm"] < alpha, sides, "same")
    return told


def _corrected(pairs: list[tuple[float, float, float]], own: int) -> Floats:
    """Holm over a block; a row is not compared with itself."""
    return holm([float("nan") if at == own else p for at, (_, _, p) in enumerate(pairs)])


def _compare(one: pd.Series, other: pd.Series) -> tuple[float, float, float]:
    """Difference of means, t and p over the users that both have."""
    d = (one - other).dropna().to_numpy()
    return (float(d.mean()) if len(d) else float("nan"), *paired_t(d))
