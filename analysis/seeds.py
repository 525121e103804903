"""Seeds: the mean and the spread of a row, and the rule that half a row has no mean.

The spread is the sample standard deviation (n - 1) over seeds, undefined for one seed. A row that
lacks a seed which others of its data set and backbone have gets no mean: the seeds that fail are
not a random choice of seeds, and means over different seeds do not compare.
"""

import pandas as pd

from negbench.analysis import frames
from negbench.analysis.frames import ROW, Run


def roster(run: Run) -> pd.DataFrame:
    """Every row of the run: how many seeds finished, how many were expected, why any is missing.

    Methods are expected to have every seed that any method of the data set and backbone has;
    references, which draw nothing, only their own.
    """
    cells = frames.cells(run)
    block = cells.groupby(["dataset", "backbone"])["seed"].transform("nunique")
    own = cells.groupby(ROW)["seed"].transform("nunique")
    cells["expected"] = block.where(cells["kind"] == "method", own)
    cells["seeds"] = (cells["status"] == "done").astype(int)
    rows = cells.groupby(ROW, as_index=False, sort=False)
    return rows.agg(
        seeds=("seeds", "sum"),
        expected=("expected", "first"),
        reason=("reason", lambda reasons: next((r for r in reasons if r), "")),
    )


def over_seeds(run: Run, values: pd.DataFrame, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Mean and standard deviation of `value` over seeds, per row and `by`; NaN for half a row."""
    rows = values.groupby([*ROW, *by], as_index=False, sort=False)
    told = rows.agg(mean=("value", "mean"), std=("value", "std"))
    told = told.merge(roster(run), on=ROW, how="left")
    told.loc[told["seeds"] < told["expected"], ["mean", "std"]] = float("nan")
    return told
