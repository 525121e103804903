"""The path: how hard and how false synthesised negatives are, from noise to their positive.

    place(x) = <x - mu, e_i - mu> / |e_i - mu|^2       1: the positive itself, 0: "some item"

A probe puts the synthesised negatives of an epoch into bins of place and keeps each bin's share,
its mean gap (score of the negative minus that of its positive) and its rate of false negatives (by
the nearest item that the user has not had). Here they are averaged over the epochs that have them,
weighed by the share where it is the gap or the rate, then over seeds. `chosen` is the mean r that a
method says it chose, on the same scale; the measure of place is this suite's own.
"""

import numpy as np
import pandas as pd

from ..runs import frames
from ..runs.frames import ROW, Run
from ..runs.over_seeds import spreads
from .false_negatives import known_of

START = "path_share_"
VALUES = ("share", "gap", "fnr")


def path(run: Run) -> pd.DataFrame:
    """One line a row and bin: place (its middle), share, gap, fnr, chosen, t; means over seeds."""
    told = frames.epochs(run)
    names = [str(name) for name in told]
    bins = sorted(int(name.removeprefix(START)) for name in names if name.startswith(START))
    keys = [*ROW, "seed"]
    parts = []
    for at in bins:
        lines = told.dropna(subset=[f"{START}{at}"])
        weight = lines[f"{START}{at}"]
        found = lines[keys].assign(share=weight)
        for name in VALUES[1:]:
            found[name] = lines[f"path_{name}_{at}"] * weight
            found[f"{name}_weight"] = weight.where(lines[f"path_{name}_{at}"].notna(), 0)
        found["chosen"] = _column(lines, "r_mean")
        found["t"] = _column(lines, "t_mean")
        each = found.groupby(keys, as_index=False, sort=False)
        mean, total = each.mean(), each.sum()
        for name in VALUES[1:]:
            weighed = total[f"{name}_weight"]
            mean[name] = total[name] / weighed.where(weighed > 0)
        place = (at - 0.5) / len(bins)
        shown = spreads(run, mean, [*VALUES, "chosen", "t"])
        parts.append(shown.assign(place=place))
    if not parts:
        return pd.DataFrame(columns=[*ROW, "place", *VALUES, "chosen", "t", "knowledge"])
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(knowledge=known_of(run, frame))


def _column(lines: pd.DataFrame, name: str) -> "pd.Series[float] | float":
    return lines[name] if name in lines else np.nan
