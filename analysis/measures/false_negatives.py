"""False-negative rates: the share of sampled negatives that are held-out positives.

    fnr      = #{used (u, j): j in H_u} / #used          H_u: what is held out for u
    expected = mean over the same rows of |H_u| / #items that may be sampled for u
    lift     = fnr / expected                             1 for uniform sampling
    fhnr     = #{used and hard (u, j): j in H_u} / #{used and hard}

Hard: in the top tenth of the user's scores over his unseen items when it was sampled. `fnr_drawn`
is the rate before masking and selection. All are pooled over the epochs up to the best one, those
that led to the ranked model, and over seeds; `fnr_low` and `fnr_high` are the ends of the 95 %
interval of the counts (`rare_rates`), unknown for cells of an older negbench, which kept the
rates alone. `fnr_closed` is the rate in closed form, where the sampler's distribution is fixed and
no stage chooses among its draws. Where the data have ground truth of every pair a rate is exact;
elsewhere H_u is a part of what the user likes and the rate is a lower bound: `knowledge` says
which. The rate on held-out pairs is that of BNS (Liu and Wang, ICDE 2023), false hard negatives are
RealHNS's (RecSys 2023); the lift is a normalisation of this suite's.

Planted false negatives, where a run has them, are train positives moved to "unobserved": the share
of negatives that are planted, its lift over uniform sampling, the weight that the loss gives them
relative to all negatives, and the AUC with which the model's score separates them from other unseen
items. The design is that of SRNS (Ding et al., NeurIPS 2020).
"""

import pandas as pd

from negbench.storage.cell_store import Cell

from ..runs import frames
from ..runs.frames import ROW, TRAINING, Run, trainings
from ..runs.over_seeds import rows_of_run, spreads
from .rare_rates import SUMS, windows, with_intervals

MEASURES = ("fnr", "fnr_drawn", "fnr_expected", "fnr_lift", "fhnr", "hard", "fnr_closed")
PLANTED = ("planted_rate", "planted_lift", "planted_weight", "planted_auc")
RATES = {"fnr": "fn_", "fhnr": "fhn_"}
"""The rates that have counts, and how the names of these start."""
COUNTS = tuple(f"{prefix}{name}" for prefix in RATES.values() for name in SUMS)
EXACT, LOWER = "exact", "lower bound"


def false_negatives(run: Run) -> pd.DataFrame:
    """One line a row that was probed: rates, their intervals, counts, and `knowledge`.

    The spread over seeds of a rate is `name_std`. The planted columns exist only if the run planted
    positives.
    """
    results = frames.results(run)
    trained = results[results["split"] == "train"]
    rates = trained[trained["metric"].isin((*MEASURES, *COUNTS, *PLANTED))]
    keys = [*ROW, *TRAINING]
    # Lines that are there alone: with the unknown ones it would be the product of all keys.
    values = rates.pivot_table("value", keys, "metric", aggfunc="first", sort=False).reset_index()
    names = [*MEASURES, *(name for name in PLANTED if name in values)]
    values = values.reindex(columns=[*keys, *names, *COUNTS]).astype({"seed": int})
    frame = spreads(run, values, names).merge(_pooled(run, values), on=ROW)
    for rate, prefix in RATES.items():
        frame = with_intervals(frame, rate, prefix)
    expected = (frame["chance"] / frame["fn_total"]).fillna(frame["fnr_expected"])
    lift = (frame["fnr"] / expected).where(frame["chance"] > 0, frame["fnr_lift"])
    frame = frame.assign(fnr_expected=expected, fnr_lift=lift).drop(columns="chance")
    for end in ("low", "high"):
        frame[f"fnr_lift_{end}"] = frame[f"fnr_{end}"] / expected.where(expected > 0)
    return frame.assign(knowledge=known_of(run, frame))


def _pooled(run: Run, values: pd.DataFrame) -> pd.DataFrame:
    """The counts of each row summed over its seeds, unknown where a seed lacks them.

    `chance` is the number of false negatives that uniform draws were expected to give.
    """
    values = values.assign(chance=values["fnr_expected"] * values["fn_total"])
    return pooled_counts(run, values, [*COUNTS, "chance"])


def pooled_counts(run: Run, values: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """These counts of each row summed over its seeds, unknown where a seed lacks them."""
    rows = values.groupby(ROW, as_index=False, sort=False)[names]
    sums, seeds = rows.sum(), rows.count()
    expected = sums[ROW].merge(rows_of_run(run)[[*ROW, "expected"]], on=ROW, how="left")["expected"]
    for name in names:
        sums[name] = sums[name].where(seeds[name] >= expected)
    return sums


def over_training(run: Run) -> pd.DataFrame:
    """One line a row, rate (`part`) and window of epochs, `first` to `last`: how a rate moves.

    Seeds are pooled, while all of them train. A window holds at least 30 expected events, those of
    uniform draws; where the counts were not kept it is an epoch, without an interval.
    """
    epochs = frames.epochs(run)
    names = ["fnr", "fhnr", "fnr_expected", *COUNTS]
    epochs = epochs.reindex(columns=[*ROW, *TRAINING, "epoch", *names])
    epochs = epochs.dropna(how="all", subset=["fnr", "fhnr"])
    parts = [_windows(lines, part) for _, lines in epochs.groupby(ROW) for part in RATES]
    columns = [*ROW, "part", "first", "last", "rate", "rate_low", "rate_high", "expected"]
    columns += ["count", "total", "closed"]
    frame = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=columns)])
    closed = false_negatives(run)[[*ROW, "fnr_closed"]].rename(columns={"fnr_closed": "closed"})
    frame = frame.merge(closed, on=ROW, how="left") if len(frame) else frame
    if len(frame):
        frame.loc[frame["part"] != "fnr", "closed"] = float("nan")
    frame = frame.reindex(columns=columns).reset_index(drop=True)
    return frame.assign(knowledge=known_of(run, frame))


def _windows(lines: pd.DataFrame, part: str) -> pd.DataFrame:
    """The windows of one row's epochs (a line a seed and epoch) for one rate."""
    sums = {f"{RATES[part]}{name}": name for name in SUMS}
    lines = lines.rename(columns={part: "rate", **sums})
    lines = lines.assign(chance=lines["fnr_expected"] * lines["total"])
    lines["training"] = trainings(lines)
    seeds = lines["training"].nunique()
    each = lines.groupby("epoch", as_index=False).agg(
        rate=("rate", "mean"),
        expected=("fnr_expected", "mean"),
        seeds=("training", "nunique"),
        counted=("count", "count"),
        chance=("chance", "sum"),
        **{name: (name, "sum") for name in SUMS},
    )
    each = each[each["seeds"] == seeds]
    counted = bool((each["counted"] == seeds).all())
    each["window"] = windows(each["chance"]) if counted else range(len(each))
    if not counted:
        each[list(SUMS)] = float("nan")
    frame = each.groupby("window", as_index=False).agg(
        first=("epoch", "min"),
        last=("epoch", "max"),
        rate=("rate", "mean"),
        expected=("expected", "mean"),
        **{name: (name, lambda values: values.sum(min_count=1)) for name in SUMS},
    )
    frame = with_intervals(frame, "rate").dropna(subset=["rate"]).assign(part=part)
    frame[ROW] = lines[ROW].iloc[0].tolist()
    return frame


def known_of(run: Run, frame: pd.DataFrame) -> list[str]:
    """EXACT or LOWER for each line: exact only if it is so in all cells of the data set."""
    bounded = {
        cell.spec["dataset"]
        for cell, _ in run.done
        if cell.record.get("probe") and not knows_every_pair(cell)
    }
    return [LOWER if dataset in bounded else EXACT for dataset in frame["dataset"]]


def knows_every_pair(cell: Cell) -> bool:
    """Whether the data of a cell hold the truth of every pair.

    Ground truth alone does not say so: of some data it is of the judged pairs.
    """
    return bool((cell.record.get("probe") or {}).get("exact"))
