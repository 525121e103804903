"""Significance of differences: every row of a block against `vs`, and against the best row.

Per data set and backbone all pairs of rows are tested at once (`pairwise.py`); references compete.
Two questions, two families of comparisons:

    vs         named beforehand: its comparisons with all other rows are corrected together
               -> p, p_corrected, verdict
    best, rank found by looking: Holm's correction over all pairs of the block
               -> p_best, tied, rank_low, rank_high

Beside each p stand the 95 % interval of the difference, the least difference that would be found
four times in five, and the seeds (over several splits: the splits) that would find the one seen.
Effect and wins (`effect_sizes.py`)
are over users, seeds averaged. A row that never left its warm-up is neither ranked nor called
better or worse, for it was not the method of its name.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from negbench.evaluation.metric_names import Metric
from negbench.storage.training_end import WARM_UP_ONLY

from ..measures.budget import warm_up_rows
from ..runs import frames
from ..runs.frames import ROW, MetricLike, Run
from . import effect_sizes, rank_intervals
from .margin import parse_margin
from .paired_values import Paired, paired
from .pairwise import Pairwise
from .test_procedure import ALPHA, Procedure

NAN = float("nan")
_OF_TEST = ["difference", "low", "high", "relative", "statistic", "df", "p", "p_corrected"]
_OF_TEST += ["detectable", "seeds_needed", "verdict", "conclusion"]
_COLUMNS = ["n_users", "n_seeds", "n_splits", "covers", "mean", "best", "p_best", "tied", *_OF_TEST]
_COLUMNS += [*effect_sizes.COLUMNS, *rank_intervals.COLUMNS]
NOT_APART, UNDECIDED = "not told apart", "undecided"
"""What a row is called that is neither better nor worse nor shown to be the same."""


def significance(
    run: Run,
    metric: MetricLike = None,
    *,
    vs: str = "random",
    alpha: float = ALPHA,
    test: str = "crossed",
    correction: str = "holm",
    margin: str | float | None = None,
) -> pd.DataFrame:
    """One line a whole row, references too: difference to `vs`, interval, p, verdict, rank, ties.

    `conclusion` is "better", "worse", "same" (shown to be: the interval lies within the margin),
    "not told apart" (with a margin "undecided"), "warm-up only", or "" where there is no test;
    `verdict` says "same" for all but better and worse, and "" for a warm-up. Raises UserError for
    an unknown name.
    """
    chosen = frames.choose_metric(run, metric)
    procedure = Procedure(test, correction, alpha, parse_margin(margin))
    return _significance(run, chosen, vs, procedure).copy()


@lru_cache(maxsize=8)  # table, verdict, report and figures all need the same frame
def _significance(run: Run, metric: Metric, vs: str, procedure: Procedure) -> pd.DataFrame:
    unranked = warm_up_rows(run)
    blocks = [
        _block(block, vs, procedure, [(*where, row) in unranked for row in block.names])
        for block in paired(run, metric)
        for where in [(block.dataset, block.backbone)]
    ]
    if not blocks:
        return pd.DataFrame(columns=[*ROW, *_COLUMNS, "metric", "vs"])
    frame = pd.concat(blocks, ignore_index=True)[[*ROW, *_COLUMNS]]
    return frame.assign(metric=str(metric), vs=vs)


def _block(block: Paired, vs: str, procedure: Procedure, unranked: Sequence[bool]) -> pd.DataFrame:
    tests, means = procedure.pairwise(block), block.means
    ranked = np.where(unranked, NAN, means)
    best = int(np.nanargmax(ranked)) if not np.isnan(ranked).all() else 0
    frame = block.rows.assign(
        n_users=(~np.isnan(block.of_users)).sum(axis=0),
        n_seeds=len(block.seeds),
        n_splits=max(len(block.splits), 1),
        covers=procedure.covers(len(block.seeds), len(block.splits)),
        mean=means,
    ).join(rank_intervals.intervals(ranked, tests, procedure.alpha))
    frame["best"] = (np.arange(len(frame)) == best) & ~np.isnan(ranked)
    frame["p_best"] = tests.p_corrected[best]
    frame["tied"] = ~tests.told_apart(procedure.alpha)[best] & ~np.isnan(ranked)
    if vs not in block.names or unranked[block.names.index(vs)]:
        nothing = dict.fromkeys([*_OF_TEST, *effect_sizes.COLUMNS], NAN)
        return frame.assign(**nothing | {"verdict": "", "conclusion": ""})
    base = block.names.index(vs)
    frame = _against(frame, tests, base, procedure)
    frame.loc[unranked, "conclusion"], frame.loc[unranked, "verdict"] = WARM_UP_ONLY, ""
    return frame.join(effect_sizes.effects(block.of_users - block.of_users[:, [base]]))


def _against(frame: pd.DataFrame, tests: Pairwise, base: int, procedure: Procedure) -> pd.DataFrame:
    d, half, mean = tests.difference[:, base], tests.half_width[:, base], frame["mean"][base]
    p = tests.p[:, base]
    frame["difference"], frame["low"], frame["high"] = d, d - half, d + half
    frame["relative"] = d / mean if mean else NAN
    frame["statistic"], frame["df"] = tests.statistic[:, base], tests.df[:, base]
    frame["p"], frame["p_corrected"] = p, procedure.correct(p)
    frame["detectable"] = tests.detectable(procedure.alpha)[:, base]
    frame["seeds_needed"] = tests.seeds_needed(procedure.alpha)[:, base]
    # The row itself has a difference of zero and nothing to test.
    itself = np.arange(len(frame)) == base
    frame.loc[itself, ["low", "high", "df", "detectable", "seeds_needed"]] = NAN
    apart = (frame["p_corrected"] < procedure.alpha) & tests.agrees[:, base]
    frame["conclusion"] = _conclusions(frame, apart, procedure.margin.of(mean))
    frame["verdict"] = frame["conclusion"].replace([NOT_APART, UNDECIDED], "same")
    frame.loc[itself & frame["mean"].notna(), "verdict"] = "same"
    return frame


def _conclusions(frame: pd.DataFrame, apart: pd.Series, margin: float) -> pd.Series:
    """What the test says of each row; "" where there is none, as with one user."""
    beyond = (frame["low"] > margin) | (frame["high"] < -margin) if margin else apart
    within = (frame["low"] > -margin) & (frame["high"] < margin)
    undecided = UNDECIDED if margin else NOT_APART
    sides = np.where(frame["difference"] > 0, "better", "worse")
    words = np.where(apart & beyond, sides, np.where(within, "same", undecided))
    return pd.Series(np.where(frame["p"].isna(), "", words), frame.index)
