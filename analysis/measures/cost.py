"""Cost: what an epoch of each row takes, and how that compares with the baseline.

    train = (sampling + scoring + update) / epochs trained,   ratio = train / train of `vs`
    speed = used negatives an epoch / train,   dots = user-item dot products an epoch

Wall seconds on the machine of the record, per epoch; probes and evaluation stand beside and are not
in the ratio, for all rows share them. Seconds hold between cells that ran alike (machine, threads,
jobs); dot products hold everywhere. Runs that did not count negatives or dots have NaN there.
"""

import pandas as pd

from ..runs import frames
from ..runs.frames import ROW, Run
from ..runs.over_seeds import roster

PARTS = ("sampling", "scoring", "update", "probes", "evaluation")
COUNTS = ("epochs", "negatives", "dots")
MEANS = ("train", *PARTS, "total", *COUNTS, "memory", "speed")
RATIOS = {"ratio": "train", "ratio_speed": "speed", "ratio_dots": "dots", "ratio_memory": "memory"}
"""What stands against the baseline, and under which name."""


def cost(run: Run, vs: str = "random") -> pd.DataFrame:
    """One line a row, means over seeds: seconds an epoch and in all, counts, peak MB, ratios."""
    told = frames.cells(run)
    told = told[told["status"] == "done"].copy()
    for column in (*(f"wall_{part}" for part in (*PARTS, "total")), *COUNTS, "peak_memory_mb"):
        # References train nothing, so their records may lack any of these.
        known = told[column] if column in told else float("nan")
        told[column] = pd.to_numeric(known, errors="coerce")
    trained = told["epochs"].where(told["epochs"] > 0)
    for part in PARTS:
        told[part] = told[f"wall_{part}"] / trained
    told["train"] = told[["sampling", "scoring", "update"]].sum(axis=1, min_count=1)
    told["speed"] = told["negatives"] / told["train"].where(told["train"] > 0)
    told = told.rename(columns={"wall_total": "total", "peak_memory_mb": "memory"})
    means = told.groupby(ROW, as_index=False, sort=False)[list(MEANS)].mean()
    means = means.merge(roster(run)[[*ROW, "seeds", "expected"]], on=ROW)
    base = means[means["row"] == vs].set_index(["dataset", "backbone"])
    keys = pd.MultiIndex.from_frame(means[["dataset", "backbone"]])
    for name, column in RATIOS.items():
        own = base[column].where(base[column] > 0)
        means[name] = means[column] / own.reindex(keys).to_numpy()
    return means
