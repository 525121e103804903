"""Training cost: seconds an epoch, throughput, dot products and memory, against the baseline.

    seconds = (sampling + scoring + update) / epochs trained,   ratio = seconds / the baseline's
    speed = used negatives an epoch / seconds,   dots = user-item dot products an epoch

The baseline is the row of `vs`, of the row's own settings where there are several.
`clock` says which seconds these and the parts are: CPU seconds (of all threads) where a block was
trained on the CPU, as work beside it makes wall seconds longer; else wall seconds. `cpu` and
`train` have both. Probes and evaluation are shown apart and are not in the ratio, for all rows
share them. Seconds compare only between cells that ran alike: `machines` names the processor, the
device and the threads of a row's cells, and `alike` says whether its baseline's are the same. Dot
products compare everywhere. Runs that did not count negatives or dots have NaN there.
"""

import pandas as pd

from ..runs import frames
from ..runs.baselines import NONE, baselines
from ..runs.frames import ROW, Run
from ..runs.over_seeds import rows_of_run

CPU, WALL = "CPU", "wall"
"""The clocks."""
TRAIN = ("sampling", "scoring", "update")
PARTS = (*TRAIN, "probes", "evaluation")
COUNTS = ("epochs", "negatives", "dots")
MEANS = ("seconds", "cpu", "train", *PARTS, "total", "cpu_total", *COUNTS, "memory", "speed")
RATIOS = {"ratio": "seconds", "ratio_speed": "speed", "ratio_dots": "dots"}
RATIOS |= {"ratio_memory": "memory"}
"""Columns that are divided by the baseline's: name of the ratio, name of the column."""
MACHINE = ("processor", "device", "threads")
"""What cells must share for their seconds to compare; what records do not say is taken as one."""


def cost(run: Run, vs: str = "random") -> pd.DataFrame:
    """One line a row, means over seeds: seconds an epoch and in all, counts, peak MB, ratios."""
    costs = cell_costs(run)
    costs["memory"] = _numbers(costs, "peak_memory_mb")
    for column in COUNTS:
        costs[column] = _numbers(costs, column)
    costs["speed"] = costs["negatives"] / costs["seconds"].where(costs["seconds"] > 0)
    keys = {name: costs[name] for name in (*ROW, "clock")}
    by_row = costs.groupby(list(keys), as_index=False, sort=False)
    means = by_row[list(MEANS)].mean()
    means["machines"] = by_row["machine"].agg(lambda each: "; ".join(sorted(set(each))))["machine"]
    means = means.merge(rows_of_run(run)[[*ROW, "seeds", "expected"]], on=ROW)
    bases = baselines(run, vs)
    of_rows = means[["dataset", "backbone", "row"]].itertuples(index=False, name=None)
    means["baseline"] = [bases.get(row, NONE) for row in of_rows]
    base = means[means["row"].isin(means["baseline"])].set_index(["dataset", "backbone", "row"])
    rows = pd.MultiIndex.from_frame(means[["dataset", "backbone", "baseline"]])
    for name, column in RATIOS.items():
        own = base[column].where(base[column] > 0)
        means[name] = means[column] / own.reindex(rows).to_numpy()
    means["alike"] = means["machines"] == base["machines"].reindex(rows).to_numpy()
    return means


def cell_costs(run: Run) -> pd.DataFrame:
    """One line a finished cell: clock, machine, seconds an epoch on both clocks, parts, totals."""
    costs = frames.cells(run)
    costs = costs[costs["status"] == "done"].copy()
    costs["clock"] = _clocks(costs)
    costs["machine"] = costs.reindex(columns=list(MACHINE)).map(str).agg(", ".join, axis=1)
    epochs = _numbers(costs, "epochs")
    trained = epochs.where(epochs > 0)
    is_cpu = costs["clock"] == CPU
    for part in PARTS:
        wall, cpu = (_numbers(costs, f"{clock}_{part}") / trained for clock in ("wall", "cpu"))
        costs[part] = cpu.where(is_cpu, wall)
    for name, clock in (("train", "wall"), ("cpu", "cpu")):
        parts = pd.concat([_numbers(costs, f"{clock}_{part}") for part in TRAIN], axis=1)
        costs[name] = parts.sum(axis=1, min_count=1) / trained
    costs["seconds"] = costs["cpu"].where(is_cpu, costs["train"])
    costs["total"], costs["cpu_total"] = (_numbers(costs, f"{c}_total") for c in ("wall", "cpu"))
    return costs


def _clocks(costs: pd.DataFrame) -> pd.Series:
    """The clock of each cell's block: CPU where all trained cells of it were on the CPU.

    A cell that does not say its device, or has no CPU seconds, goes by the wall clock.
    """
    device = costs["device"] if "device" in costs else pd.Series(None, costs.index)
    parts = pd.concat([_numbers(costs, f"cpu_{part}") for part in TRAIN], axis=1)
    on_cpu = (device == "cpu") & (parts.notna().any(axis=1) | (costs["kind"] == frames.REFERENCE))
    whole = on_cpu.groupby([costs["dataset"], costs["backbone"]]).transform("all")
    return whole.map({True: CPU, False: WALL})


def _numbers(costs: pd.DataFrame, column: str) -> pd.Series:
    """A column as numbers, NaN where a record lacks it: references train nothing."""
    known = costs[column] if column in costs else pd.Series(float("nan"), costs.index)
    return pd.to_numeric(known, errors="coerce")
