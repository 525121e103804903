"""Which rows a figure colours and names: of many the best, the baseline, references, those asked.

With up to twelve rows all are named. Of more, the six best by the metric on all test items,
`random`, the references and the rows of `--show`; the rest is drawn in grey, and the csv has it by
name. The rule looks at the rows that the figure draws, so that one of few rows names all of them.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import pandas as pd

from negbench.errors import UserError, did_you_mean

from ..measures import bands
from ..number_format import counted, metric_label
from ..runs import frames
from ..runs.baselines import word_and_settings
from ..runs.figure_choices import FigureChoices
from ..runs.frames import REFERENCE, MetricLike, Run
from ._palette import REST, Style
from ._style import row_styles

BEST = 6
ALL = 12
"""So many rows are all named."""
BASELINE = "random"
WIDTHS = {"column": 3.33, "page": 7.0}
"""Inches of one column of a page and of both."""


@dataclass(frozen=True)
class NamedRows:
    """The rows of one figure that have a name, best first, and the style of every row."""

    rows: tuple[str, ...]
    styles: Mapping[str, Style]
    others: int
    """How many rows stand in grey."""
    by: str
    """The metric that chose the best."""

    @property
    def rest(self) -> str:
        """The key of the rows in grey; empty where there is none."""
        return counted(self.others, "other row") if self.others else ""

    @property
    def sentence(self) -> str:
        """The rule as a sentence of a caption; empty where every row is named."""
        if not self.others:
            return ""
        return (
            f"Named: the {BEST} best methods by {self.by} on all test items, {BASELINE}, "
            f"references and rows of --show; grey: {self.rest}, in the csv by name."
        )

    def order(self, rows: Iterable[str]) -> list[str]:
        """Rows as they are drawn: those in grey first, the best last and on top."""
        place = {row: at for at, row in enumerate(self.rows)}
        return sorted(rows, key=lambda row: (-place.get(row, len(place)), row))


def named_rows(
    run: Run, metric: MetricLike, block: pd.DataFrame, also: Iterable[str] = ()
) -> NamedRows:
    """The rows to name among those of a figure; `block` has a line or more a row, with its kind.

    `also` are rows that this figure is about, whatever their values.
    """
    chosen = frames.choose_metric(run, metric)
    totals = bands.bands(run, chosen)
    totals = totals[totals["band"] == bands.TOTAL]
    here = totals["dataset"].isin(block["dataset"]) & totals["backbone"].isin(block["backbone"])
    means = totals[here].groupby("row")["mean"].mean()
    drawn = dict(block[["row", "kind"]].drop_duplicates("row").itertuples(index=False, name=None))
    ranked = means.reindex(list(drawn)).sort_values(ascending=False, kind="stable")
    rows = choose(list(ranked.dropna().index), drawn, {*run.figures.named, *also})
    all_styles = row_styles(run)
    styles = {row: all_styles[row] if row in rows else REST for row in drawn}
    named = sorted(rows, key=lambda row: list(ranked.index).index(row))
    return NamedRows(tuple(named), styles, len(drawn) - len(rows), metric_label(chosen))


def choose(ranked: Sequence[str], kinds: Mapping[str, str], asked: Set[str]) -> set[str]:
    """The rows to name of those in `kinds`; `ranked` has them by falling value, where known."""
    if len(kinds) <= ALL:
        return set(kinds)
    best = [row for row in ranked if kinds[row] != REFERENCE][:BEST]
    always = [
        row
        for row, kind in kinds.items()
        if kind == REFERENCE or row in asked or word_and_settings(row)[0] == BASELINE
    ]
    return {*best, *always}


def with_choices(run: Run, show: Sequence[str] = (), width: str | None = None) -> Run:
    """The run, whose figures name these rows and are as wide as a "column" or a "page".

    A method's word stands for all of its rows. Raises UserError for a word that is no row of the
    run, and for another width.
    """
    if width is not None and width not in WIDTHS:
        raise UserError(f"--width must be column (3.33 inches) or page (7 inches); got {width!r}")
    words = {row: str(word_and_settings(row)[0]) for row in run.labels}
    known = list(dict.fromkeys([*words, *words.values()]))
    for name in show:
        if name not in known:
            raise UserError(
                f"--show must be a row of the run; got {name!r}; {did_you_mean(name, known)}"
            )
    rows = tuple(row for row, word in words.items() if {row, word} & set(show))
    return replace(run, figures=FigureChoices(rows, WIDTHS[width] if width else None))
