"""Columns of the table for a paper: data sets x backbones x metrics, chosen by words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from negbench.errors import UserError, did_you_mean

from ..measures import bands as band_table
from ..runs import frames
from ..runs.frames import REFERENCE, Run
from .blocks import Where
from .main_table_values import MetricColumn
from .metric_columns import with_recall


@dataclass(frozen=True)
class PaperColumn:
    """A metric on one data set and backbone."""

    dataset: str
    backbone: str
    metric: MetricColumn

    @property
    def where(self) -> Where:
        """The block: data set and backbone."""
        return self.dataset, self.backbone


def chosen_columns(
    run: Run, words: Sequence[str] = (), metric: str | None = None
) -> tuple[PaperColumn, ...]:
    """The columns, data set by data set; `words` choose and order each of the three.

    A word is a data set, a backbone, or a metric: ndcg@20, ndcg@20/tail for a band. What no word
    is about is whole; without a metric among them recall and NDCG stand, or `metric` and recall.

    Raises UserError for a word that is none of them, and if nothing is left.
    """
    blocks = sorted({(str(c.spec["dataset"]), c.backbone) for c in run.cells})
    datasets, backbones = ([*dict.fromkeys(each)] for each in zip(*blocks, strict=True))
    trained = [name for name in backbones if name != REFERENCE] or backbones
    metrics = [_metric(run, word) for word in words if "@" in word]
    others = [word for word in words if "@" not in word]
    for word in others:
        if word not in (known := [*datasets, *trained]):
            raise UserError(
                "--columns must name data sets, backbones or metrics of the run; got "
                f"{word!r}; {did_you_mean(word, [*known, *map(str, frames.measured(run))])}"
            )
    shown = tuple(
        PaperColumn(dataset, backbone, each)
        for dataset in _chosen(others, datasets)
        for backbone in _chosen(others, trained)
        if (dataset, backbone) in blocks
        for each in metrics or with_recall(run, frames.choose_metric(run, metric))
    )
    if not shown:
        raise UserError(
            f"--columns must leave a data set with a backbone of its own; got {','.join(words)}; "
            f"known: {', '.join(map(' '.join, blocks))}"
        )
    return tuple(dict.fromkeys(shown))


def _chosen(words: Iterable[str], known: Sequence[str]) -> Sequence[str]:
    return [word for word in words if word in known] or known


def _metric(run: Run, word: str) -> MetricColumn:
    """A metric, or its values on a band of items behind a slash."""
    name, _, band = word.partition("/")
    known = band_table.names(run)
    if band and band not in known:
        raise UserError(f"a band must be of the run; got {word!r}; {did_you_mean(band, known)}")
    return MetricColumn(frames.choose_metric(run, name), band or "all")
