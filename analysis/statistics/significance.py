"""Significance of differences: paired tests against a baseline and against the best row.

Per data set and backbone, each row is compared with `vs`, and with the row of the highest mean, by
a paired test of `paired_tests.py`; the p values of a block are corrected together.

    seeds="average"   d_u = mean over seeds of value(row, u) - mean over seeds of value(vs, u), one
                      difference a user. It asks: would other users give the same result with these
                      trained models? Seeds are averaged first, for the values of one user under
                      two seeds are not two independent observations.
    seeds="blocks"    d_s = mean over users of value(row, s) - value(vs, s), one difference a seed.
                      It asks: would another seed give the same result, on these users? Seeds are
                      few, so it is refused where the test could not reach five per cent, and it
                      is weak where it is not refused.

The tie group holds the best row and every row that the same test, corrected likewise, cannot tell
from it. Effect, wins and ranks (`effect_sizes.py`, `rank_intervals.py`) are over users either way.
References are left out: they are points of comparison, not candidates.
"""

from functools import lru_cache

import numpy as np
import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..runs import frames
from ..runs.frames import ROW, MetricLike, Run
from . import effect_sizes, rank_intervals
from .multiple_testing import CORRECTIONS, Floats
from .paired_values import Paired, paired
from .test_procedure import ALPHA, Procedure

NAN = float("nan")
_TESTED = ["difference", "relative", "statistic", "t", "p", "p_corrected", "p_holm", "verdict"]
_COLUMNS = ["n_users", "n_seeds", "mean", "best", "p_best", "tied", *_TESTED]
_COLUMNS += [*effect_sizes.COLUMNS, *rank_intervals.COLUMNS]


def significance(
    run: Run,
    metric: MetricLike = None,
    *,
    vs: str = "random",
    alpha: float = ALPHA,
    test: str = "paired-t",
    correction: str = "holm",
    seeds: str = "average",
) -> pd.DataFrame:
    """One line a whole row of methods: difference to `vs`, effect, p, verdict, rank, tie group.

    `verdict` is "better", "worse" or "same" by `p_corrected`, and "" where `vs` is not in the
    block. `p_holm` is Holm's whatever the correction; `t` is empty unless the test is paired-t.
    """
    chosen = frames.choose_metric(run, metric)
    return _significance(run, chosen, vs, Procedure(test, correction, seeds, alpha)).copy()


@lru_cache(maxsize=8)  # table, verdict, report and figures all need the same frame
def _significance(run: Run, metric: Metric, vs: str, procedure: Procedure) -> pd.DataFrame:
    blocks = [_block(block, vs, procedure) for block in paired(run, metric)]
    if not blocks:
        return pd.DataFrame(columns=[*ROW, *_COLUMNS, "metric", "vs"])
    frame = pd.concat(blocks, ignore_index=True)[[*ROW, *_COLUMNS]]
    return frame.assign(metric=str(metric), vs=vs)


def _block(block: Paired, vs: str, procedure: Procedure) -> pd.DataFrame:
    procedure.require_seeds(block)
    means = block.means
    best = int(np.nanargmax(means)) if not np.isnan(means).all() else 0
    frame = block.rows.assign(
        n_users=(~np.isnan(block.of_users)).sum(axis=0), n_seeds=len(block.seeds), mean=means
    ).join(rank_intervals.intervals(block))
    frame["best"] = np.arange(len(frame)) == best
    frame["p_best"] = procedure.compare(block, best)[2]
    frame["tied"] = ~(frame["p_best"] < procedure.alpha) & frame["mean"].notna()
    if vs not in block.names:
        nothing = dict.fromkeys([*_TESTED, *effect_sizes.COLUMNS], NAN)
        return frame.assign(**nothing | {"verdict": ""})
    return _against(frame, block, block.names.index(vs), procedure)


def _against(frame: pd.DataFrame, block: Paired, base: int, procedure: Procedure) -> pd.DataFrame:
    differences = block.of_users - block.of_users[:, [base]]
    frame["difference"] = np.array([_mean(column) for column in differences.T])
    frame["relative"] = frame["difference"] / block.means[base] if block.means[base] else NAN
    frame["statistic"], frame["p"], frame["p_corrected"] = procedure.compare(block, base)
    frame["t"] = frame["statistic"] if procedure.test == "paired-t" else NAN
    frame["p_holm"] = CORRECTIONS["holm"][1](frame["p"])
    sides = np.where(frame["difference"] > 0, "better", "worse")
    verdicts = np.where(frame["p_corrected"] < procedure.alpha, sides, "same")
    frame["verdict"] = np.where(frame["difference"].isna(), "", verdicts)
    return frame.join(effect_sizes.effects(differences))


def _mean(column: Floats) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else NAN
