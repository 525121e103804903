"""Significance of differences: every row against its baseline, and against the best row.

Per data set and backbone all pairs of rows are tested at once (`pairwise.py`); references compete.
Two questions, two families of comparisons:

    vs         named beforehand, for rows under several settings the row of `vs` under the same
               (`runs/baselines.py`): all comparisons with it are corrected together
               -> baseline, p, p_corrected, verdict
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
from numpy.typing import NDArray

from negbench.evaluation.metric_names import Metric
from negbench.storage.training_end import WARM_UP_ONLY

from ..measures.budget import warm_up_rows
from ..runs import frames
from ..runs.baselines import baselines
from ..runs.frames import ROW, MetricLike, Run
from . import effect_sizes, rank_intervals
from .margin import parse_margin
from .paired_values import Floats, Paired, paired
from .pairwise import Pairwise
from .test_procedure import ALPHA, Procedure

NAN = float("nan")
Places = NDArray[np.int_]
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
    """One line a whole row, references too: difference to its baseline, p, verdict, rank, ties.

    `baseline` is the row of `vs` that a row is compared with, "" where there is none.
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
    unranked, bases = warm_up_rows(run), baselines(run, vs)
    blocks = [
        _block(
            block,
            [bases[*where, row] for row in block.names],
            procedure,
            [(*where, row) in unranked for row in block.names],
        )
        for block in paired(run, metric)
        for where in [(block.dataset, block.backbone)]
    ]
    if not blocks:
        return pd.DataFrame(columns=[*ROW, *_COLUMNS, "metric", "vs", "baseline"])
    frame = pd.concat(blocks, ignore_index=True)[[*ROW, *_COLUMNS, "baseline"]]
    own = frame.pop("baseline")
    return frame.assign(metric=str(metric), vs=vs, baseline=own)


def _block(
    block: Paired, bases: Sequence[str], procedure: Procedure, unranked: Sequence[bool]
) -> pd.DataFrame:
    tests, means = procedure.pairwise(block), block.means
    ranked = np.where(unranked, NAN, means)
    best = int(np.nanargmax(ranked)) if not np.isnan(ranked).all() else 0
    frame = block.rows.assign(
        n_users=(~np.isnan(block.of_users)).sum(axis=0),
        n_seeds=len(block.seeds),
        n_splits=max(len(block.splits), 1),
        covers=procedure.covers(len(block.seeds), len(block.splits)),
        mean=means,
        baseline=list(bases),
    ).join(rank_intervals.intervals(ranked, tests, procedure.alpha))
    frame["best"] = (np.arange(len(frame)) == best) & ~np.isnan(ranked)
    frame["p_best"] = tests.p_corrected[best]
    frame["tied"] = ~tests.told_apart(procedure.alpha)[best] & ~np.isnan(ranked)
    base = _places(bases, block.names, unranked)
    tested = base >= 0
    if not tested.any():
        nothing = dict.fromkeys([*_OF_TEST, *effect_sizes.COLUMNS], NAN)
        return frame.assign(**nothing | {"verdict": "", "conclusion": ""})
    frame = _against(frame, tests, base, procedure)
    frame.loc[unranked, "conclusion"], frame.loc[unranked, "verdict"] = WARM_UP_ONLY, ""
    to_base = np.subtract(block.of_users[:, tested], block.of_users[:, base[tested]], order="C")
    return frame.join(effect_sizes.effects(to_base).set_index(np.flatnonzero(tested)))


def _places(bases: Sequence[str], names: list[str], unranked: Sequence[bool]) -> Places:
    """The place of each row's baseline among the rows, -1 where it is not there or not ranked."""
    at = {name: place for place, name in enumerate(names) if not unranked[place]}
    return np.array([at.get(base, -1) for base in bases])


def _against(
    frame: pd.DataFrame, tests: Pairwise, base: Places, procedure: Procedure
) -> pd.DataFrame:
    rows, tested = np.arange(len(frame)), base >= 0

    def to_base(pairs: Floats) -> Floats:
        return np.where(tested, pairs[rows, base], NAN)

    mean = np.where(tested, frame["mean"].to_numpy()[base], NAN)
    d, half, p = to_base(tests.difference), to_base(tests.half_width), to_base(tests.p)
    frame["difference"], frame["low"], frame["high"] = d, d - half, d + half
    # A metric of a plug-in may be below 0, where a gain is a gain too.
    frame["relative"] = np.divide(d, np.abs(mean), out=np.full(len(d), NAN), where=mean != 0)
    frame["statistic"], frame["df"] = to_base(tests.statistic), to_base(tests.df)
    frame["p"], frame["p_corrected"] = p, procedure.correct(p)
    frame["detectable"] = to_base(tests.detectable(procedure.alpha))
    frame["seeds_needed"] = to_base(tests.seeds_needed(procedure.alpha))
    # The row itself has a difference of zero and nothing to test.
    itself = rows == base
    frame.loc[itself, ["low", "high", "df", "detectable", "seeds_needed"]] = NAN
    apart = (frame["p_corrected"] < procedure.alpha) & tests.agrees[rows, base]
    margins = np.array([procedure.margin.of(each) for each in mean])
    frame["conclusion"] = _conclusions(frame, apart, margins)
    frame["verdict"] = frame["conclusion"].replace([NOT_APART, UNDECIDED], "same")
    frame.loc[itself & frame["mean"].notna(), "verdict"] = "same"
    return frame


def _conclusions(frame: pd.DataFrame, apart: pd.Series, margins: Floats) -> pd.Series:
    """What the test says of each row; "" where there is none, as with one user."""
    outside = (frame["low"] > margins) | (frame["high"] < -margins)
    beyond = np.where(margins == 0, apart, outside)
    within = (frame["low"] > -margins) & (frame["high"] < margins)
    undecided = np.where(margins == 0, NOT_APART, UNDECIDED)
    sides = np.where(frame["difference"] > 0, "better", "worse")
    words = np.where(apart & beyond, sides, np.where(within, "same", undecided))
    return pd.Series(np.where(frame["p"].isna(), "", words), frame.index)
