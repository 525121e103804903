"""True-negative rates, and false-negative rates among the pairs that somebody judged.

    tnr        = #{used (u, j): j in N_u} / #used
    lift       = tnr / its expectation under uniform draws over the same rows
    fnr_judged = #{used, judged and true} / #{used and judged}
    fnr_random = the same with each user's draws weighted by (items that may be drawn) / (judged)

N_u are the known negatives of u: shown and not chosen, rated too low, or judged and not true. Only
data with exposures, ratings or judgements know any; where every pair was judged the true-negative
rate is 1 minus the false-negative rate and is not given. `fnr_judged` holds for the judged pairs.
Where these are a random sample of each user's pairs (random exposure), `fnr_random` estimates the
false-negative rate of all negatives of the judged users and is right on average, which no count of
held-out positives is. All are pooled over the epochs up to the best one and over seeds, with the
95 % intervals of `rare_rates`; those of `fnr_random` are of weighted sums, about as many draws as
were judged. The estimate is a ratio after Hajek; its use for samplers is this suite's.
"""

import pandas as pd

from ..runs import frames
from ..runs.frames import ROW, TRAINING, Run
from ..runs.over_seeds import spreads
from .false_negatives import pooled_counts
from .rare_rates import SUMS, with_intervals

RATES = {"tnr": "tn_", "fnr_judged": "fj_", "fnr_random": "fr_"}
"""The rates, and how the names of their counts start."""
KNOWN = ("tnr", "tnr_expected", "tnr_lift", "fnr_judged", "fnr_random")
COUNTS = tuple(f"{prefix}{name}" for prefix in RATES.values() for name in SUMS)


def known_negatives(run: Run) -> pd.DataFrame:
    """One line a row whose data know a negative: rates, intervals and counts; else no line."""
    results = frames.results(run)
    trained = results[results["split"] == "train"]
    rates = trained[trained["metric"].isin((*KNOWN, *COUNTS))]
    keys = [*ROW, *TRAINING]
    # Lines that are there alone: with the unknown ones it would be the product of all keys.
    values = rates.pivot_table("value", keys, "metric", aggfunc="first", sort=False).reset_index()
    values = values.reindex(columns=[*keys, *KNOWN, *COUNTS]).astype({"seed": int})
    values = values.assign(chance=values["tnr_expected"] * values["tn_total"])
    frame = spreads(run, values, list(KNOWN))
    frame = frame.merge(pooled_counts(run, values, [*COUNTS, "chance"]), on=ROW)
    for rate, prefix in RATES.items():
        frame = with_intervals(frame, rate, prefix)
    expected = (frame["chance"] / frame["tn_total"]).fillna(frame["tnr_expected"])
    lift = (frame["tnr"] / expected).where(frame["chance"] > 0, frame["tnr_lift"])
    frame = frame.assign(tnr_expected=expected, tnr_lift=lift).drop(columns="chance")
    for end in ("low", "high"):
        frame[f"tnr_lift_{end}"] = frame[f"tnr_{end}"] / expected.where(expected > 0)
    return frame
