"""One table for a paper: rows x (data sets x backbones x metrics), as values.

`paper_latex` lays it out. The tests are those of the main table, each metric a family of its own:
against the row's baseline (`significance.py`), and against the best row shown (`told_apart.py`).
Rows are chosen for display alone: tests and their corrections count every row of the run, and the
table knows which rows it leaves out and whether one of them is higher than what stands bold.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan

import pandas as pd

from negbench.errors import UserError, did_you_mean

from ..measures.accuracy import accuracy
from ..measures.budget import budget
from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import rows_of_run
from ..statistics.significance import significance
from ..statistics.told_apart import ToldApart, told_apart
from .blocks import Where, by_block, by_row
from .budget_notes import mark
from .main_table_values import MetricColumn
from .paper_columns import PaperColumn, chosen_columns

NAN = float("nan")
BETTER, WORSE, LEVEL = "*", "v", "="
"""Marks of a cell: better or worse than its baseline, not told apart from the best row shown."""
_AGAINST = {"better": BETTER, "worse": WORSE}


@dataclass(frozen=True)
class PaperCell:
    """A row in one column; the usual values are those of a row that its block lacks."""

    mean: float = NAN
    std: float = NAN
    marks: str = ""
    """BETTER or WORSE, LEVEL, and the marks of its budget (`budget_notes.py`)."""
    count: str = ""
    """How many seeds of an incomplete row finished: 1/2."""
    warm_up_only: bool = False
    """Whether the row never left its warm-up, so that it is never the best."""
    best: bool = False
    second: bool = False

    @property
    def competes(self) -> bool:
        """Whether it may be the best of its column."""
        return not (isnan(self.mean) or self.warm_up_only)


@dataclass(frozen=True)
class PaperRow:
    """A row in all columns."""

    label: str
    reference: bool
    cells: tuple[PaperCell, ...]


@dataclass(frozen=True)
class PaperTable:
    """The whole table: methods, then references."""

    columns: tuple[PaperColumn, ...]
    rows: tuple[PaperRow, ...]
    vs: str
    tests: pd.DataFrame
    """The lines of `significance` of every column, for the words of the test."""
    left_out: tuple[str, ...]
    """Rows of the run that are not shown."""
    higher: int
    """The columns in which one of them is higher than the best row shown."""

    @property
    def blocks(self) -> tuple[Where, ...]:
        """The data sets and backbones of the columns, in their order."""
        return tuple(dict.fromkeys(column.where for column in self.columns))

    @property
    def metrics(self) -> tuple[MetricColumn, ...]:
        """The metrics of the columns, in their order."""
        return tuple(dict.fromkeys(column.metric for column in self.columns))

    @property
    def marks(self) -> set[str]:
        """Every mark that some cell has."""
        return {sign for row in self.rows for cell in row.cells for sign in cell.marks}


def paper_table(
    run: Run,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    metric: str | None = None,
    vs: str = "random",
) -> PaperTable:
    """Compute the table; `rows` and `columns` choose and order, without them all are shown.

    Rows that nobody ordered stand by their mean rank over the columns, references last.

    Raises UserError for a word that is no row, data set, backbone or metric of the run.
    """
    chosen = chosen_columns(run, columns, metric)
    by_column = [_cells(run, column, vs) for column in chosen]
    labels = list(dict.fromkeys(label for cells in by_column for label in cells))
    _require_rows(rows, labels)
    references = {row for cell, row in run.done if cell.backbone == REFERENCE}
    order = list(dict.fromkeys(rows)) or _by_mean_rank(labels, by_column)
    order.sort(key=lambda label: label in references)
    marked = [
        _marked(run, column, [cells.get(label, PaperCell()) for label in order], order)
        for column, cells in zip(chosen, by_column, strict=True)
    ]
    left_out = tuple(label for label in labels if label not in order)
    higher = sum(
        _highest(cells.get(label, PaperCell()) for label in left_out) > _highest(shown)
        for cells, shown in zip(by_column, marked, strict=True)
    )
    lines = zip(order, zip(*marked, strict=True), strict=True)
    shown_rows = tuple(PaperRow(label, label in references, cells) for label, cells in lines)
    return PaperTable(chosen, shown_rows, vs, _tests(run, chosen, vs), left_out, higher)


def _cells(run: Run, column: PaperColumn, vs: str) -> dict[str, PaperCell]:
    """The cells of a column by row, with their marks against the baseline and of the budget."""
    metric, band = column.metric.metric, column.metric.band
    means, spent = by_row(accuracy(run, metric, band=band)), by_row(budget(run))
    # On a band of items no row is tested against its baseline.
    tests = by_row(significance(run, metric, vs=vs)) if band == "all" else {}
    blocks = by_block((key[:2], line) for key, line in by_row(rows_of_run(run)).items())
    cells = {}
    for line in blocks[column.where]:
        key = (line["dataset"], line["backbone"], line["row"])
        value, budget_line = means.get(key, {}), spent.get(key, {})
        verdict = tests.get((*column.where, line["row"]), {}).get("verdict", "")
        whole = line["seeds"] >= line["expected"]
        cells[line["row"]] = PaperCell(
            value.get("mean", NAN),
            value.get("std", NAN),
            _AGAINST.get(verdict, "") + mark(budget_line),
            "" if whole else f"{line['seeds']:.0f}/{line['expected']:.0f}",
            bool(budget_line.get("warm_up_only", False)),
        )
    return cells


def _marked(
    run: Run, column: PaperColumn, cells: Sequence[PaperCell], labels: Sequence[str]
) -> list[PaperCell]:
    """The cells with the best, the second best, and those not told apart from the best."""
    best = _highest(cells)
    second = _highest(cell for cell in cells if cell.mean != best)
    tests = told_apart(run, column.metric.metric, column.metric.band).get(column.where)
    top = [label for label, cell in zip(labels, cells, strict=True) if cell.mean == best]
    marked = []
    for label, cell in zip(labels, cells, strict=True):
        level = cell.competes and cell.mean != best and _level(tests, top, label)
        marked.append(
            replace(
                cell,
                best=cell.competes and cell.mean == best,
                second=cell.competes and cell.mean == second,
                marks=LEVEL * level + cell.marks,
            )
        )
    return marked


def _level(tests: ToldApart | None, top: Sequence[str], label: str) -> bool:
    """Whether a row is tested against the best row and not told apart from it."""
    if tests is None or tests.untested or not top:
        return False
    return {label, top[0]} <= set(tests.names) and not tests.side(top[0], label)


def _highest(cells: Iterable[PaperCell]) -> float:
    return max((cell.mean for cell in cells if cell.competes), default=NAN)


def _by_mean_rank(labels: Sequence[str], columns: Sequence[Mapping[str, PaperCell]]) -> list[str]:
    """The rows by their mean rank over the columns that know them; those without a rank last."""
    ranks: dict[str, list[int]] = defaultdict(list)
    for cells in columns:
        means = [cell.mean for cell in cells.values() if cell.competes]
        for label, cell in cells.items():
            if cell.competes:
                ranks[label].append(sum(mean > cell.mean for mean in means))

    def place(label: str) -> tuple[float, str]:
        known = ranks[label]
        return sum(known) / len(known) if known else float("inf"), label

    return sorted(labels, key=place)


def _tests(run: Run, columns: Sequence[PaperColumn], vs: str) -> pd.DataFrame:
    """The lines of `significance` on the blocks and metrics of these columns."""
    blocks = {column.where for column in columns}
    metrics = dict.fromkeys(column.metric.metric for column in columns)
    lines = pd.concat([significance(run, metric, vs=vs) for metric in metrics], ignore_index=True)
    here = [pair in blocks for pair in zip(lines["dataset"], lines["backbone"], strict=True)]
    return lines[pd.Series(here, index=lines.index, dtype=bool)]


def _require_rows(rows: Sequence[str], known: Sequence[str]) -> None:
    for row in rows:
        if row not in known:
            raise UserError(
                f"--rows must be rows of the table; got {row!r}; {did_you_mean(row, list(known))}"
            )
