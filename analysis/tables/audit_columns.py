"""Columns of the audit's tables: header, field, number format and description of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from negbench.evaluation.metric_names import Metric

from ..number_format import metric_label, number, percent
from .column_formats import rounded, two_digits
from .table import Column


@dataclass(frozen=True)
class Group:
    """Columns that stand side by side in one table."""

    title: str
    columns: tuple[Column, ...]


def share(value: float) -> str:
    """A share or an index: 0.123."""
    return f"{value:.3f}"


def signed(value: float) -> str:
    """A measure that has two directions: +0.123."""
    return f"{round(value, 3) + 0.0:+.3f}"  # no -0.000


def count(value: float) -> str:
    """A mean of counts: 1,234.5."""
    return f"{value:,.1f}"


def groups(
    metric: Metric, bands: Sequence[str], planted: bool = False, known: bool = False
) -> tuple[Group, ...]:
    """The groups of the audit: accuracy by band, lists, users and items, false negatives.

    `planted` and `known` say whether a run planted positives, or its data know negatives.
    """
    always = (_served(metric, bands), _shown(metric.k), _biased(metric.k), _TRAINED)
    return (*always, *[KNOWN_NEGATIVES] * known, *[_PLANTED] * planted)


def _served(metric: Metric, bands: Sequence[str]) -> Group:
    name, label = str(metric), metric_label(metric)
    whole = Column(label, name, number, "over all items; the columns to its right are read with it")
    parts = (
        Column(band, f"{name}/{band}", number, f"{label} on the {band} items alone")
        for band in bands
    )
    even = "1 - Gini of the bands: 1 = all served alike, however badly"
    return Group("Accuracy by band", (whole, *parts, Column("balance", "balance", share, even)))


def _shown(k: int) -> Group:
    return Group(
        f"What the lists of {k} hold",
        (
            Column("ARP", f"arp@{k}", count, "mean train count of the items shown"),
            Column(
                "rel. ARP",
                f"relative_arp@{k}",
                signed,
                "ARP from 0 = that of random unseen items to 1 = that of the most popular unseen "
                "ones, the most that lists can have",
            ),
            Column("APLT", f"aplt@{k}", share, "share of the lists that is of the last band"),
            Column("coverage", f"coverage@{k}", share, "share of the items that anybody is shown"),
            Column("Gini", f"gini@{k}", share, "of exposure: 0 = all items alike, 1 = one has all"),
            Column("entropy", f"entropy@{k}", share, "of exposure, in nats: higher = more even"),
        ),
    )


def _biased(k: int) -> Group:
    lift = (
        "popularity of the lists over that of the profiles, relative: 0 = alike, + = more popular"
    )
    return Group(
        "Against what users had, and between items",
        (
            Column("lift", f"dgap@{k}", signed, f"dGAP of all users, {lift}"),
            Column("niche", f"dgap@{k}/niche", signed, "the same for the fifth least in the head"),
            Column("diverse", f"dgap@{k}/diverse", signed, "for those between"),
            Column("blockb.", f"dgap@{k}/blockbuster", signed, "for the fifth most in the head"),
            Column("UPD", f"upd@{k}", share, "bands in profile against list: 0 = alike, 1 = apart"),
            Column("PopREO", f"popreo@{k}", share, "bands found unequally often: 0 = alike"),
            Column("PopRSP", f"poprsp@{k}", share, "bands shown unequally often: 0 = alike"),
            Column(
                "PRU",
                "pru",
                signed,
                "full ranks of a user's test items: 0 = no bias, + = the popular higher, 1 = most",
            ),
            Column("PRI", "pri", signed, "mean ranks of test items against popularity: as PRU"),
        ),
    )


_TRAINED = Group(
    "False negatives in training",
    (
        Column("FN rate", "fnr", percent, "share of used negatives that the user likes"),
        Column("counted", "fn_count", rounded, "the false negatives that the rate rests on"),
        Column(
            "closed form",
            "fnr_closed",
            percent,
            "the FN rate by formula, where a sampler's distribution is fixed and nothing chooses "
            "among its draws",
        ),
        Column("FN lift", "fnr_lift", two_digits, "over uniform draws: 1 = as uniform"),
        Column("hard FN", "fhnr", percent, "FN rate among negatives of the user's top tenth"),
    ),
)
KNOWN_NEGATIVES = Group(
    "Known negatives in training",
    (
        Column(
            "TN rate",
            "tnr",
            percent,
            "share of used negatives that are known ones: shown and not chosen, rated too low, or "
            "judged and not true; a lower bound",
        ),
        Column("counted", "tn_count", rounded, "the known negatives that the rate rests on"),
        Column("TN lift", "tnr_lift", two_digits, "over uniform draws: 1 = as uniform"),
        Column("FN of judged", "fnr_judged", percent, "FN rate among negatives that were judged"),
        Column("judged", "fj_total", rounded, "used negatives that were judged"),
        Column(
            "FN of all",
            "fnr_random",
            percent,
            "FN rate of all negatives, estimated by those judged at random; right on average",
        ),
    ),
)
_PLANTED = Group(
    "Planted false negatives",
    (
        Column("rate", "planted_rate", percent, "share of used negatives that are planted"),
        Column("lift", "planted_lift", two_digits, "over uniform draws: 1 = as uniform"),
        Column(
            "weight",
            "planted_weight",
            two_digits,
            "slope of the loss there over that at all negatives: below 1 = spared",
        ),
        Column(
            "AUC",
            "planted_auc",
            share,
            "that the model scores one above an unseen item: 0.5 = not told apart, 1 = detected",
        ),
    ),
)
