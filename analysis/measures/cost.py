"""Training cost: seconds an epoch, throughput, dot products and memory, against the baseline.

    train = (sampling + scoring + update) / epochs trained,   ratio = train / train of `vs`
    speed = used negatives an epoch / train,   dots = user-item dot products an epoch

Wall seconds on the machine of the record, per epoch; probes and evaluation are shown apart and are
not in the ratio, for all rows share them. Seconds compare only between cells that ran alike
(machine, threads, jobs); dot products compare everywhere. Runs that did not count negatives or dots
have NaN there.
"""

import pandas as pd

from ..runs import frames
from ..runs.frames import ROW, Run
from ..runs.over_seeds import rows_of_run

PARTS = ("sampling", "scoring", "update", "probes", "evaluation")
COUNTS = ("epochs", "negatives", "dots")
MEANS = ("train", *PARTS, "total", *COUNTS, "memory", "speed")
RATIOS = {"ratio": "train", "ratio_speed": "speed", "ratio_dots": "dots", "ratio_memory": "memory"}
"""Columns that are divided by the baseline's: name of the ratio, name of the column."""


def cost(run: Run, vs: str = "random") -> pd.DataFrame:
    """One line a row, means over seeds: seconds an epoch and in all, counts, peak MB, ratios."""
    costs = frames.cells(run)
    costs = costs[costs["status"] == "done"].copy()
    for column in (*(f"wall_{part}" for part in (*PARTS, "total")), *COUNTS, "peak_memory_mb"):
        # References train nothing, so their records may lack any of these.
        known = costs[column] if column in costs else float("nan")
        costs[column] = pd.to_numeric(known, errors="coerce")
    trained = costs["epochs"].where(costs["epochs"] > 0)
    for part in PARTS:
        costs[part] = costs[f"wall_{part}"] / trained
    costs["train"] = costs[["sampling", "scoring", "update"]].sum(axis=1, min_count=1)
    costs["speed"] = costs["negatives"] / costs["train"].where(costs["train"] > 0)
    costs = costs.rename(columns={"wall_total": "total", "peak_memory_mb": "memory"})
    means = costs.groupby(ROW, as_index=False, sort=False)[list(MEANS)].mean()
    means = means.merge(rows_of_run(run)[[*ROW, "seeds", "expected"]], on=ROW)
    base = means[means["row"] == vs].set_index(["dataset", "backbone"])
    keys = pd.MultiIndex.from_frame(means[["dataset", "backbone"]])
    for name, column in RATIOS.items():
        own = base[column].where(base[column] > 0)
        means[name] = means[column] / own.reindex(keys).to_numpy()
    return means
