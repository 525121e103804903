"""Metric names and their parser (`ndcg@20`); imports no torch."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry

METRICS: dict[str, str] = {
    "recall": "share of the user's relevant items in the first K",
    "ndcg": "gain of the first K with weight 1 / log2(1 + rank), over the best possible",
    "hit": "1 if any of the first K is relevant",
    "mrr": "1 / rank of the first relevant item, 0 if beyond K",
    "map": "sum of the precisions at each relevant item in the first K, over all relevant items",
    "precision": "share of the first K that is relevant",
}
"""Every metric with its meaning; all with binary relevance and full ranking.

The formulas and their sources are at `metric_kernels.metric_values`."""

ALIASES = {"hr": "hit", "hit_rate": "hit", "prec": "precision"}


class Metric(NamedTuple):
    """A metric and the length K of the lists that it is computed on; as text `ndcg@20`."""

    name: str
    k: int

    def __str__(self) -> str:
        """The metric as in options and records."""
        return f"{self.name}@{self.k}"

    @classmethod
    def recorded(cls, text: str) -> "Metric":
        """A metric as a record has it; it may be of a plug-in that is not here any more."""
        name, _, k = text.partition("@")
        plain = _plain(name)
        return cls(plain if plain in METRICS else name, int(k))


def parse_metrics(text: str | Iterable[str], also: Collection[str] = ()) -> list[Metric]:
    """Parse `recall@20`, `NDCG@10,ndcg@20` or `recall,ndcg@10,20` (every name at every K).

    Numbers after an `@` belong to all names since the last `@`. Order is kept, repeats are dropped.
    Names are those of `METRICS`, of plug-ins, and `also`.
    Raises UserError if a name or a K is unknown or missing.
    """
    words = text if isinstance(text, str) else ",".join(text)
    metrics: list[Metric] = []
    names: list[str] = []
    cuts: list[int] = []
    for word in (word.strip() for word in words.split(",")):
        if word.isdecimal() and cuts:
            cuts.append(_cut(word, words))
            continue
        if cuts:  # a new name after numbers: the group before it is complete
            metrics += [Metric(name, k) for name in names for k in cuts]
            names, cuts = [], []
        name, at, k = word.partition("@")
        names.append(_name(name, words, also))
        if at:
            cuts.append(_cut(k, words))
    if not cuts:
        raise UserError(f"a metric needs a list length, as ndcg@20; got `{words}`")
    metrics += [Metric(name, k) for name in names for k in cuts]
    return list(dict.fromkeys(metrics))


def parse_metric(text: str, also: Collection[str] = ()) -> Metric:
    """Parse one metric at one K, as `recall@50`.

    Raises UserError as parse_metrics, and if the text names several.
    """
    metrics = parse_metrics(text, also)
    if len(metrics) > 1:
        raise UserError(f"one metric with one list length must be given, as ndcg@20; got `{text}`")
    return metrics[0]


def _name(word: str, words: str, also: Collection[str]) -> str:
    name = _plain(word)
    if name in METRICS:
        return name
    own = [*registry.added("metrics"), *also]
    for each in (word.strip(), name):
        if each in own:
            return each
    near = did_you_mean(name, [*METRICS, *ALIASES, *own])
    raise UserError(f"unknown metric `{word}` in `{words}`; {near}")


def _plain(word: str) -> str:
    """A metric's one name in small letters: `hit` for HR and hit-rate."""
    name = word.strip().lower().replace("-", "_")
    return ALIASES.get(name, name)


def _cut(word: str, words: str) -> int:
    if not word.strip().isdecimal() or int(word) < 1:
        raise UserError(f"the K of a metric is a whole number from 1 on; got `{word}` in `{words}`")
    return int(word)
