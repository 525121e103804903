"""Data values of training triplets (user, positive, negative): means, intervals and AUC.

A method that values triplets (`shapley`) writes them to triplets.npz of the cell, arrays [T]: user,
positive, negative, value (the greater the more it helped), error (the standard error of the
value), hardness (score of the negative minus that of the positive), epoch, and false (whether the
negative is a held-out positive of its user).

    interval of a triplet   value -+ 1.96 error
    interval of a mean      m -+ 1.96 s,  s^2 = G / (G - 1) sum_u (sum_{k of u} (v_k - m))^2 / n^2

s is the standard error of a mean over n triplets of G users when the users are the sample: the
triplets of one user share its vector and its other pairs, so they are no independent draws.

    auc   P(value of a false negative < value of another), ties count half

An AUC of 0.5 cannot separate false negatives by their values, 1 separates all of them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.storage.cell_store import Cell

from ..runs import frames
from ..runs.damaged_cells import TolerantCell
from ..runs.frames import ROW, Run
from .false_negatives import knows_every_pair

FILE = "triplets.npz"
COLUMNS = ("user", "positive", "negative", "value", "error", "hardness", "epoch", "false")
DERIVED = ("low", "high", "band")
Z = 1.96
"""Standard errors to either side of a 95 % interval."""
BINS = 10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def of_cell(cell: Cell) -> pd.DataFrame:
    """One line a triplet of a cell, with `low`, `high` and the `band` of its negative.

    Empty if the cell valued none or its file cannot be read; lines without a value are dropped.
    """
    arrays = cell.file_arrays(FILE) if isinstance(cell, TolerantCell) else {}
    if any(arrays.get(name, np.zeros(())).ndim != 1 for name in COLUMNS):
        return empty()
    if len({len(arrays[name]) for name in COLUMNS}) != 1:
        return empty()
    frame = pd.DataFrame({name: arrays[name] for name in COLUMNS})
    frame = frame.astype({"value": float, "error": float, "hardness": float, "false": bool})
    frame = frame.loc[np.isfinite(frame["value"])].reset_index(drop=True)
    frame["low"] = frame["value"] - Z * frame["error"]
    frame["high"] = frame["value"] + Z * frame["error"]
    frame["band"] = _bands(cell, frame["negative"].to_numpy(int))
    return pd.DataFrame(frame, columns=[*COLUMNS, *DERIVED])


def _bands(cell: Cell, items: NDArray[np.int64]) -> list[str]:
    """The name of each item's band; "" if the cell lacks the bands."""
    labels = cell.arrays("item_bands").get("item_bands")
    names = [str(name) for name in cell.record["bands"]["names"]]
    if labels is None or (len(items) and items.max() >= len(labels)):
        return [""] * len(items)
    return [names[label] for label in labels[items]]


def triplets(run: Run) -> pd.DataFrame:
    """One line a triplet of every finished cell, with the key of the row and the seed.

    `exact` says whether `false` is exact (the data hold the truth of every pair) or a lower bound.
    """
    by_cell = [of_cell(cell) for cell, _ in run.done]
    counts = [len(part) for part in by_cell]
    keys = frames.repeated(run, counts)
    exact = [knows_every_pair(cell) for cell, _ in run.done]
    keys["exact"] = np.repeat(exact, counts)
    parts = [part for part in by_cell if len(part)]
    values = pd.concat(parts, ignore_index=True) if parts else empty()
    return pd.concat([keys, values], axis=1)


def empty() -> pd.DataFrame:
    """A frame of no triplets, with all columns."""
    return pd.DataFrame(columns=[*COLUMNS, *DERIVED])


def averages(values: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The mean value of each group, its interval over users, and how many triplets and users."""
    keys = list(by)
    users = values.groupby([*keys, "user"], sort=False)["value"].agg(["sum", "count"]).reset_index()
    groups = users.groupby(keys, sort=False)
    means = groups["sum"].sum() / groups["count"].sum()
    users = users.merge(means.rename("mean").reset_index(), on=keys)
    users["square"] = (users["sum"] - users["mean"] * users["count"]) ** 2
    groups = users.groupby(keys, sort=False)
    out = groups.agg(
        mean=("mean", "first"), n=("count", "sum"), users=("user", "size"), square=("square", "sum")
    ).reset_index()
    scale = (out["users"] / (out["users"] - 1)).where(out["users"] > 1)
    error = np.sqrt(scale * out["square"]) / out["n"]
    out = out.assign(low=out["mean"] - Z * error, high=out["mean"] + Z * error)
    return out[[*keys, "mean", "low", "high", "n", "users"]]


def by_hardness(values: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """The averages of each row in `bins` parts of as many triplets, by rising hardness.

    `hardness` is the mean of the part; equal hardness stays in one part, so parts may be fewer.
    """
    known = values[np.isfinite(values["hardness"])]
    ranks = known.groupby(ROW, sort=False)["hardness"].rank(method="average")
    many = known.groupby(ROW, sort=False)["hardness"].transform("size")
    parted = known.assign(group=(bins * (ranks - 0.5) / many).astype(int) + 1)
    middles = parted.groupby([*ROW, "group"], sort=False)["hardness"].mean().reset_index()
    out = averages(parted, [*ROW, "group"]).merge(middles, on=[*ROW, "group"])
    return out.sort_values([*ROW, "group"]).reset_index(drop=True)


def by_truth(values: pd.DataFrame) -> pd.DataFrame:
    """The averages of each row's false and other negatives, quantiles of their values, and AUC."""
    keys = [*ROW, "exact", "false"]
    out = averages(values, keys)
    spread = values.groupby(keys, sort=False)["value"].quantile(np.array(QUANTILES)).unstack()
    spread.columns = pd.Index([f"q{100 * at:g}" for at in QUANTILES])
    out = out.merge(spread.reset_index(), on=keys)
    known = values.groupby(ROW, sort=False)[["value", "false"]].apply(auc).rename("auc")
    return out.merge(known.reset_index(), on=ROW)


def auc(values: pd.DataFrame) -> float:
    """P(value of a false negative < value of another), ties half; NaN without both kinds."""
    false = values["false"].to_numpy(bool)
    n, others = int(false.sum()), int((~false).sum())
    if not n or not others:
        return float("nan")
    above = values["value"].rank().to_numpy()[false].sum() - n * (n + 1) / 2
    return float(1 - above / (n * others))
