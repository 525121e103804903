"""Synthesis path: hardness and false-negative rate of synthesised negatives, noise to positive.

    place(x) = <x - mu, e_i - mu> / |e_i - mu|^2       1: the positive itself, 0: "some item"

A probe puts the synthesised negatives of an epoch into bins of place and logs each bin's share, its
mean gap (score of the negative minus that of its positive) and its rate of false negatives (by the
nearest item that the user has not interacted with). Here they are averaged over the epochs that
have them, gap and rate weighted by the share, then over seeds. `chosen` is the mean r that a method
logs as its choice, on the same scale; the measure of place is this suite's own.
"""

import numpy as np
import pandas as pd

from ..runs import frames
from ..runs.frames import ROW, TRAINING, Run
from ..runs.over_seeds import spreads
from .false_negatives import known_of

START = "path_share_"
VALUES = ("share", "gap", "fnr")


def path(run: Run) -> pd.DataFrame:
    """One line a row and bin: place (its middle), share, gap, fnr, chosen, t; means over seeds."""
    epochs = frames.epochs(run)
    names = [str(name) for name in epochs]
    bins = sorted(int(name.removeprefix(START)) for name in names if name.startswith(START))
    keys = [*ROW, *TRAINING]
    parts = []
    for at in bins:
        lines = epochs.dropna(subset=[f"{START}{at}"])
        weight = lines[f"{START}{at}"]
        sums = lines[keys].assign(share=weight)
        for name in VALUES[1:]:
            # Nowhere logged: a bin that stayed empty, or rates of a split by users.
            values = lines.get(f"path_{name}_{at}", weight * np.nan)
            sums[name] = values * weight
            sums[f"{name}_weight"] = weight.where(values.notna(), 0)
        sums["chosen"] = _column(lines, "r_mean")
        sums["t"] = _column(lines, "t_mean")
        each = sums.groupby(keys, as_index=False, sort=False)
        mean, total = each.mean(), each.sum()
        for name in VALUES[1:]:
            weight_sum = total[f"{name}_weight"]
            mean[name] = total[name] / weight_sum.where(weight_sum > 0)
        place = (at - 0.5) / len(bins)
        means = spreads(run, mean, [*VALUES, "chosen", "t"])
        parts.append(means.assign(place=place))
    if not parts:
        return pd.DataFrame(columns=[*ROW, "place", *VALUES, "chosen", "t", "knowledge"])
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(knowledge=known_of(run, frame))


def _column(lines: pd.DataFrame, name: str) -> "pd.Series[float] | float":
    return lines[name] if name in lines else np.nan
