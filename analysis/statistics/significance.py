"""Significance: is a difference more than luck?

Per data set and backbone, each row is compared with `vs`, and with the row of the highest mean, by
a paired test of `analysis/paired.py`; the p values of a block are corrected together.

    seeds="average"   d_u = mean over seeds of value(row, u) - mean over seeds of value(vs, u), one
                      difference a user. It asks: would other users say the same of these trained
                      models? Seeds are averaged first, for the values of one user under two seeds
                      are not two independent observations.
    seeds="blocks"    d_s = mean over users of value(row, s) - value(vs, s), one difference a seed.
                      It asks: would another seed say the same, on these users? Seeds are few, so it
                      is refused where the test could not reach five per cent, and it is weak where
                      it is not refused.

The tie group holds the best row and every row that the same test, corrected likewise, cannot tell
from it. Effect, wins and ranks (`effects.py`, `ranks.py`) are over users either way. References are
left out: they are guards, not candidates.
"""

from functools import lru_cache

import numpy as np
import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..runs import frames
from ..runs.frames import ROW, Run
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
    metric: str | None = None,
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
    chosen = frames.measure(run, metric)
    return _told(run, chosen, vs, Procedure(test, correction, seeds, alpha)).copy()


@lru_cache(maxsize=8)  # table, verdict, report and figures all ask for the same
def _told(run: Run, metric: Metric, vs: str, procedure: Procedure) -> pd.DataFrame:
    name, k = metric
    blocks = [_block(block, vs, procedure) for block in paired(run, metric)]
    if not blocks:
        return pd.DataFrame(columns=[*ROW, *_COLUMNS, "metric", "vs"])
    told = pd.concat(blocks, ignore_index=True)[[*ROW, *_COLUMNS]]
    return told.assign(metric=f"{name}@{k}", vs=vs)


def _block(block: Paired, vs: str, procedure: Procedure) -> pd.DataFrame:
    procedure.require_seeds(block)
    means = block.means
    best = int(np.nanargmax(means)) if not np.isnan(means).all() else 0
    told = block.rows.assign(
        n_users=(~np.isnan(block.of_users)).sum(axis=0), n_seeds=len(block.seeds), mean=means
    ).join(rank_intervals.intervals(block))
    told["best"] = np.arange(len(told)) == best
    told["p_best"] = procedure.compare(block, best)[2]
    told["tied"] = ~(told["p_best"] < procedure.alpha) & told["mean"].notna()
    if vs not in block.names:
        nothing = dict.fromkeys([*_TESTED, *effect_sizes.COLUMNS], NAN)
        return told.assign(**nothing | {"verdict": ""})
    return _against(told, block, block.names.index(vs), procedure)


def _against(told: pd.DataFrame, block: Paired, base: int, procedure: Procedure) -> pd.DataFrame:
    differences = block.of_users - block.of_users[:, [base]]
    told["difference"] = np.array([_mean(column) for column in differences.T])
    told["relative"] = told["difference"] / block.means[base] if block.means[base] else NAN
    told["statistic"], told["p"], told["p_corrected"] = procedure.compare(block, base)
    told["t"] = told["statistic"] if procedure.test == "paired-t" else NAN
    told["p_holm"] = CORRECTIONS["holm"][1](told["p"])
    sides = np.where(told["difference"] > 0, "better", "worse")
    said = np.where(told["p_corrected"] < procedure.alpha, sides, "same")
    told["verdict"] = np.where(told["difference"].isna(), "", said)
    return told.join(effect_sizes.effects(differences))


def _mean(column: Floats) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else NAN
