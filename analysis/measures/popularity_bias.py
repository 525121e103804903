"""Popularity bias of the recommendations: ARP, APLT, coverage, Gini, dGAP, UPD, REO, PRU, PRI.

The measures are computed when a cell is ranked, from its lists and the ranks of its test pairs, and
at another K or on other bands from what the run keeps (`runs.recut`); formulas and sources are at
their functions in `negbench.evaluation.popularity_bias`:

    arp, aplt                   mean popularity of what is shown; share of it that is tail
    coverage, gini, entropy     how evenly exposure is spread over the items
    relative_arp                arp from random lists (0) to the most popular items (1)
    dgap                        relative lift of popularity over the profiles: for all users and for
                                those of niche, diverse and blockbuster taste (in `band`)
    upd                         Jensen-Shannon divergence of profile and list over the bands
    popreo, poprsp              whether items of each band are found, and shown, with equal chance
    pru, pri                    whether popular items that a user likes stand higher; no K

`exposure` has the exposure along the order of popularity, `bands` the accuracy by band.
"""

import pandas as pd

from negbench.errors import NothingToReport, UserError

from ..runs import frames, recut
from ..runs.frames import ROW, Run
from ..runs.over_seeds import over_seeds

AT_K = (
    "arp",
    "relative_arp",
    "aplt",
    "coverage",
    "gini",
    "entropy",
    "dgap",
    "upd",
    "popreo",
    "poprsp",
)
FULL = ("pru", "pri")
"""Measures of full ranks, which have no K (0 in the records)."""


def popularity_bias(run: Run, k: int | None = None) -> pd.DataFrame:
    """One line a row, measure and `band`: mean and std over seeds; K of the main metric at default.

    A measure that is undefined for a seed has no mean, as a row that lacks a seed. Raises UserError
    if the run has no lists of `k` items, NothingToReport if it has no such measures.
    """
    results = frames.results(run)
    measured = results[(results["split"] == "test") & results["metric"].isin((*AT_K, *FULL))]
    at = frames.choose_metric(run).k if k is None else k
    lines = recut.bias_lines(run, at)
    values = lines[lines["metric"].isin((*AT_K, *FULL))]
    if not (values["k"] == at).any():
        _require(at, sorted(set(measured["k"]) - {0}))
    by = ("metric", "k", "band")
    means = over_seeds(run, values, by=by)
    counts = values.groupby([*ROW, *by], as_index=False, sort=False).agg(known=("value", "count"))
    means = means.merge(counts, on=[*ROW, *by])
    means.loc[means["known"] < means["seeds"], ["mean", "std"]] = float("nan")
    return means.drop(columns="known")


def _require(k: int, known: list[int]) -> None:
    if not known:
        raise NothingToReport(
            "an audit needs cells that were audited when they were ranked; this run has none, for "
            "it was made by an older negbench; run it again with --overwrite all"
        )
    if k not in known:
        lengths = ", ".join(map(str, known))
        raise UserError(
            f"the K of an audit must be one of the run's metrics; got {k}; known: {lengths}"
        )
