"""False negatives: how often a row trains against what its user would have liked.

    fnr      = #{used (u, j): j in H_u} / #used          H_u: what is held out for u
    expected = mean over the same rows of |H_u| / #items that may be drawn for u
    lift     = fnr / expected                             1 for uniform draws
    fhnr     = #{used and hard (u, j): j in H_u} / #{used and hard}

Hard: in the top tenth of the user's scores over his unseen items when it was drawn. `fnr_drawn` is
the rate before masking and selection. All are pooled over the epochs up to the best one, the ones
that made the weights that were ranked. Where the data have truth a rate is exact; elsewhere H_u is
a part of what the user likes and the rate is a lower bound: `knowledge` says which. The rate on
held-out pairs is that of BNS (Liu and Wang, ICDE 2023), false hard negatives are RealHNS's (RecSys
2023); the lift is a normalisation of this suite's.

Planted false negatives, where a run has them, are train positives moved to "unobserved": the share
of negatives that are such, its lift over uniform draws, the weight that the loss gives them against
all negatives, and the AUC with which the model's score tells them from other unseen items. The
design is that of SRNS (Ding et al., NeurIPS 2020).
"""

import pandas as pd

from ..runs import frames
from ..runs.frames import ROW, Run
from ..runs.over_seeds import by_epoch as epoch_means
from ..runs.over_seeds import spreads

MEASURES = ("fnr", "fnr_drawn", "fnr_expected", "fnr_lift", "fhnr", "hard")
PLANTED = ("planted_rate", "planted_lift", "planted_weight", "planted_auc")
EXACT, LOWER = "exact", "lower bound"


def false_negatives(run: Run) -> pd.DataFrame:
    """One line a row that was probed: each rate, its spread as `name_std`, and `knowledge`.

    The planted columns are there only where a run planted.
    """
    told = frames.results(run)
    told = told[(told["split"] == "train") & told["metric"].isin((*MEASURES, *PLANTED))]
    keys = [*ROW, "seed"]
    values = told.pivot_table("value", keys, "metric", aggfunc="first", sort=False, dropna=False)
    values = values.reset_index().dropna(how="all", subset=list(values.columns))
    shown = _shown(values)
    frame = spreads(run, values.reindex(columns=[*keys, *shown]).astype({"seed": int}), shown)
    return frame.assign(knowledge=known_of(run, frame))


def by_epoch(run: Run) -> pd.DataFrame:
    """One line a row and epoch: the mean of each rate over seeds, while all of them train."""
    told = frames.epochs(run)
    shown = _shown(told)
    told = told.reindex(columns=[*ROW, "seed", "epoch", "wall", *shown])
    told = told.dropna(how="all", subset=shown)
    frame = epoch_means(told, ["wall", *shown])
    return frame.assign(knowledge=known_of(run, frame))


def _shown(values: pd.DataFrame) -> list[str]:
    return [*MEASURES, *(name for name in PLANTED if name in values)]


def known_of(run: Run, frame: pd.DataFrame) -> list[str]:
    """Whether the rates of each line are exact: only if they are so in all cells of its data."""
    blind = {
        cell.spec["dataset"]
        for cell, _ in run.done
        if (probe := cell.record.get("probe")) and not probe.get("exact")
    }
    return [LOWER if dataset in blind else EXACT for dataset in frame["dataset"]]
