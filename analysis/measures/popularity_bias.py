"""Popularity bias: how far each row favours popular items, and at whose cost.

The measures are taken when a cell is ranked, of its lists and of the ranks of its test pairs;
formulas and sources stand at their functions in `negbench.evaluation.popularity_bias`:

    arp, aplt                   mean popularity of what is shown; share of it that is tail
    coverage, gini, entropy     how the room in the lists is shared among the items
    popularity_correlation      Spearman of train count and exposure over the items
    dgap                        relative lift of popularity over the profiles: for all users and for
                                those of niche, diverse and blockbuster taste (in `band`)
    upd                         Jensen-Shannon divergence of profile and list over the bands
    popreo, poprsp              whether items of each band are found, and shown, with equal chance
    pru, pri                    whether popular items that a user likes stand higher; no K

Where the items of a list stand along the order of popularity is told by `exposure`, and band
accuracy by `bands`.
"""

import pandas as pd

from negbench.errors import NothingToReport, UserError

from ..runs import frames
from ..runs.frames import ROW, Run
from ..runs.over_seeds import over_seeds

AT_K = (
    "arp",
    "aplt",
    "coverage",
    "gini",
    "entropy",
    "popularity_correlation",
    "dgap",
    "upd",
    "popreo",
    "poprsp",
)
FULL = ("pru", "pri")
"""Measures of full ranks, which have no K (0 in the records)."""


def popularity_bias(run: Run, k: int | None = None) -> pd.DataFrame:
    """One line a row, measure and `band`: mean and std over seeds; K of the main metric at default.

    A measure that is undefined for a seed has no mean, as a row that lacks one.
    """
    told = frames.results(run)
    told = told[(told["split"] == "test") & told["metric"].isin((*AT_K, *FULL))]
    at = frames.measure(run)[1] if k is None else k
    _require(at, sorted(set(told["k"]) - {0}))
    told = told[told["k"].isin((0, at))]
    by = ("metric", "k", "band")
    means = over_seeds(run, told, by=by)
    counts = told.groupby([*ROW, *by], as_index=False, sort=False).agg(known=("value", "count"))
    means = means.merge(counts, on=[*ROW, *by])
    means.loc[means["known"] < means["seeds"], ["mean", "std"]] = float("nan")
    return means.drop(columns="known")


def _require(k: int, known: list[int]) -> None:
    if not known:
        raise NothingToReport(
            "an audit needs cells that were audited when they were ranked; this run has none, for "
            "it was made by an older negbench; run it again"
        )
    if k not in known:
        said = ", ".join(map(str, known))
        raise UserError(
            f"the K of an audit must be one of the run's metrics; got {k}; known: {said}"
        )
