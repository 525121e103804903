"""False-negative rates: the share of sampled negatives that are held-out positives.

    fnr      = #{used (u, j): j in H_u} / #used          H_u: what is held out for u
    expected = mean over the same rows of |H_u| / #items that may be sampled for u
    lift     = fnr / expected                             1 for uniform sampling
    fhnr     = #{used and hard (u, j): j in H_u} / #{used and hard}

Hard: in the top tenth of the user's scores over his unseen items when it was sampled. `fnr_drawn`
is the rate before masking and selection. All are pooled over the epochs up to the best one, those
that led to the ranked model. Where the data have ground truth a rate is exact; elsewhere H_u is
a part of what the user likes and the rate is a lower bound: `knowledge` says which. The rate on
held-out pairs is that of BNS (Liu and Wang, ICDE 2023), false hard negatives are RealHNS's (RecSys
2023); the lift is a normalisation of this suite's.

Planted false negatives, where a run has them, are train positives moved to "unobserved": the share
of negatives that are planted, its lift over uniform sampling, the weight that the loss gives them
relative to all negatives, and the AUC with which the model's score separates them from other unseen
items. The design is that of SRNS (Ding et al., NeurIPS 2020).
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

    The planted columns exist only if the run planted positives.
    """
    results = frames.results(run)
    trained = results[results["split"] == "train"]
    rates = trained[trained["metric"].isin((*MEASURES, *PLANTED))]
    keys = [*ROW, "seed"]
    values = rates.pivot_table("value", keys, "metric", aggfunc="first", sort=False, dropna=False)
    values = values.reset_index().dropna(how="all", subset=list(values.columns))
    names = _measured(values)
    frame = spreads(run, values.reindex(columns=[*keys, *names]).astype({"seed": int}), names)
    return frame.assign(knowledge=known_of(run, frame))


def by_epoch(run: Run) -> pd.DataFrame:
    """One line a row and epoch: the mean of each rate over seeds, while all of them train."""
    epochs = frames.epochs(run)
    names = _measured(epochs)
    epochs = epochs.reindex(columns=[*ROW, "seed", "epoch", "wall", *names])
    epochs = epochs.dropna(how="all", subset=names)
    frame = epoch_means(epochs, ["wall", *names])
    return frame.assign(knowledge=known_of(run, frame))


def _measured(values: pd.DataFrame) -> list[str]:
    return [*MEASURES, *(name for name in PLANTED if name in values)]


def known_of(run: Run, frame: pd.DataFrame) -> list[str]:
    """EXACT or LOWER for each line: exact only if it is so in all cells of the data set."""
    bounded = {
        cell.spec["dataset"]
        for cell, _ in run.done
        if (probe := cell.record.get("probe")) and not probe.get("exact")
    }
    return [LOWER if dataset in bounded else EXACT for dataset in frame["dataset"]]
