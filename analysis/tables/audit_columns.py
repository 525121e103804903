"""The columns of the audit's page: what each is called, how it is said and what it means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from negbench.evaluation.metric_names import Metric

from ..number_format import number, percent, spelled
from .sortable_table import two_digits


@dataclass(frozen=True)
class Column:
    """A field of the audit's frame, its head, how a number of it is said, and its meaning."""

    field: str
    head: str
    form: Callable[[float], str]
    says: str


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


def groups(metric: Metric, bands: Sequence[str], planted: bool = False) -> tuple[Group, ...]:
    """All tables of the page: accuracy by band, lists, users and items, false negatives."""
    always = (_served(metric, bands), _shown(metric[1]), _biased(metric[1]), _TRAINED)
    return (*always, _PLANTED) if planted else always


def _served(metric: Metric, bands: Sequence[str]) -> Group:
    name, said = f"{metric[0]}@{metric[1]}", spelled(*metric)
    whole = Column(name, said, number, "over all items; the columns to its right are read with it")
    parts = (
        Column(f"{name}/{band}", band, number, f"{said} on the {band} items alone")
        for band in bands
    )
    even = "1 - Gini of the bands: 1 = all served alike, however badly"
    return Group("Accuracy by band", (whole, *parts, Column("balance", "balance", share, even)))


def _shown(k: int) -> Group:
    return Group(
        f"What the lists of {k} hold",
        (
            Column(f"arp@{k}", "ARP", count, "mean train count of the items shown"),
            Column(f"aplt@{k}", "APLT", share, "share of the lists that is of the last band"),
            Column(f"coverage@{k}", "coverage", share, "share of the items that anybody is shown"),
            Column(f"gini@{k}", "Gini", share, "of exposure: 0 = all items alike, 1 = one has all"),
            Column(f"entropy@{k}", "entropy", share, "of exposure, in nats: higher = more even"),
            Column(
                f"popularity_correlation@{k}",
                "corr.",
                signed,
                "Spearman of train count and exposure over the items: 0 = unrelated, "
                "+1 = the more popular the more shown",
            ),
        ),
    )


def _biased(k: int) -> Group:
    lift = (
        "popularity of the lists over that of the profiles, relative: 0 = alike, + = more popular"
    )
    return Group(
        "Against what users had, and between items",
        (
            Column(f"dgap@{k}", "lift", signed, f"dGAP of all users, {lift}"),
            Column(f"dgap@{k}/niche", "niche", signed, "the same for the fifth least in the head"),
            Column(f"dgap@{k}/diverse", "diverse", signed, "for those between"),
            Column(f"dgap@{k}/blockbuster", "blockb.", signed, "for the fifth most in the head"),
            Column(f"upd@{k}", "UPD", share, "bands in profile against list: 0 = alike, 1 = apart"),
            Column(f"popreo@{k}", "PopREO", share, "bands found unequally often: 0 = alike"),
            Column(f"poprsp@{k}", "PopRSP", share, "bands shown unequally often: 0 = alike"),
            Column(
                "pru",
                "PRU",
                signed,
                "full ranks of a user's test items: 0 = no bias, + = the popular higher, 1 = most",
            ),
            Column("pri", "PRI", signed, "mean ranks of test items against popularity: as PRU"),
        ),
    )


_TRAINED = Group(
    "False negatives in training",
    (
        Column("fnr", "FN rate", percent, "share of used negatives that the user likes"),
        Column("fnr_lift", "FN lift", two_digits, "over uniform draws: 1 = as uniform"),
        Column("fhnr", "hard FN", percent, "FN rate among negatives of the user's top tenth"),
    ),
)
_PLANTED = Group(
    "Planted false negatives",
    (
        Column("planted_rate", "rate", percent, "share of used negatives that are planted"),
        Column("planted_lift", "lift", two_digits, "over uniform draws: 1 = as uniform"),
        Column(
            "planted_weight",
            "weight",
            two_digits,
            "slope of the loss there over that at all negatives: below 1 = spared",
        ),
        Column(
            "planted_auc",
            "AUC",
            share,
            "that the model scores one above an unseen item: 0.5 = not told apart, 1 = detected",
        ),
    ),
)
