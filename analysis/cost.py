"""Cost: what an epoch of each row takes, and how that compares with the baseline.

    train = (sampling + scoring + update) / epochs trained,   ratio = train / train of `vs`

Wall seconds on the machine of the record, per epoch; evaluation stands beside and is not in the
ratio, for all rows share it. Ratios hold between cells that ran alike (machine, threads, jobs).
"""

import pandas as pd

from negbench.analysis import frames
from negbench.analysis.frames import ROW, Run
from negbench.analysis.seeds import roster

PARTS = ("sampling", "scoring", "update", "evaluation")
COLUMNS = ("train", *PARTS, "total", "epochs", "memory", "ratio")


def cost(run: Run, vs: str = "random") -> pd.DataFrame:
    """One line a row, means over seeds: seconds an epoch, whole seconds, epochs, peak MB, ratio."""
    told = frames.cells(run)
    told = told[told["status"] == "done"].copy()
    for column in (*(f"wall_{part}" for part in (*PARTS, "total")), "epochs", "peak_memory_mb"):
        # References train nothing, so their records may lack any of these.
        told[column] = pd.to_numeric(told[column]) if column in told else float("nan")
    trained = told["epochs"].where(told["epochs"] > 0)
    for part in PARTS:
        told[part] = told[f"wall_{part}"] / trained
    told["train"] = told[["sampling", "scoring", "update"]].sum(axis=1, min_count=1)
    told = told.rename(columns={"wall_total": "total", "peak_memory_mb": "memory"})
    means = told.groupby(ROW, as_index=False, sort=False)[list(COLUMNS[:-1])].mean()
    means = means.merge(roster(run)[[*ROW, "seeds", "expected"]], on=ROW)
    base = means[means["row"] == vs].set_index(["dataset", "backbone"])["train"]
    keys = pd.MultiIndex.from_frame(means[["dataset", "backbone"]])
    means["ratio"] = means["train"] / base.reindex(keys).to_numpy()
    return means
