"""The table for a paper in LaTeX: rows x (data sets x backbones x metrics), in booktabs.

A table that is wider than the line is parted into panels, and one that is longer than a page into
floats; no box is scaled. It needs no package but booktabs.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from math import isnan
from pathlib import Path

from negbench.errors import UserError

from ..number_format import number
from ..runs import frames
from ..runs.frames import Run
from .latex_float import PREAMBLE, Tabular, line, table_float
from .latex_notes import superscript
from .latex_panels import LINE, height, packed, pages, width
from .paper_columns import PaperColumn
from .paper_names import Names, read_names
from .paper_notes import below, caption
from .paper_table import PaperCell, PaperRow, PaperTable, paper_table

SIZES = ("footnotesize", "scriptsize")
"""The size of the text, and the one of a table whose rows would not fit a page."""
GAP = 4.4
"""Points between two columns."""
MARK = 4.6
"""Points of room for a mark, which hangs over behind its number."""
LABEL = "tab:negbench"


def render(
    run: Run,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    names: Path | None = None,
    spread: bool = False,
    label: str = LABEL,
    line_width: float = LINE,
    metric: str | None = None,
    vs: str = "random",
) -> str:
    """The table; `rows` and `columns` choose and order, `names` is a file of names to print.

    `spread` gives every mean its standard deviation; `line_width` is in points.

    Raises UserError for unknown words, a label that LaTeX would not take, a line too narrow for a
    column, and a spread that no row has.
    """
    if not re.fullmatch(r"[A-Za-z0-9:._/+-]+", label):
        raise UserError(f"--label must be letters, digits and :._/+-; got {label!r}; as {LABEL}")
    if not 100 <= line_width <= 2000:
        raise UserError(
            f"--width must be 100 to 2000 points, the line of your class; got {line_width:g}"
        )
    table = paper_table(run, rows=rows, columns=columns, metric=metric, vs=vs)
    cells = [cell for row in table.rows for cell in row.cells]
    if spread and all(isnan(cell.std) for cell in cells):
        raise UserError("--spread needs rows with several seeds; this run has none; leave it out")
    known = read_names(names, _words(run, table)) if names is not None else Names()
    return _Layout(run, table, known, spread, label, line_width).latex()


def _words(run: Run, table: PaperTable) -> list[str]:
    """Every word that a file of names may name."""
    columns = table.columns
    words = [row for _, row in run.done]
    words += [str(each) for each in frames.measured(run)]
    for column in columns:
        words += [column.dataset, column.backbone, column.metric.name]
    return list(dict.fromkeys(words))


class _Layout:
    """The floats of one table."""

    def __init__(
        self, run: Run, table: PaperTable, names: Names, spread: bool, label: str, line_width: float
    ) -> None:
        self.table, self.names, self.spread, self.label = table, names, spread, label
        self.caption = caption(run, table, names, spread=spread)
        self.below = below(run, table, names)
        if spread and any(isnan(c.std) and not isnan(c.mean) for r in table.rows for c in r.cells):
            self.below.append("Without $\\pm$: one training.")
        self.line_width = line_width

    def latex(self) -> str:
        """The floats, each with caption, notes and a label."""
        rows, panels = self.table.rows, self._panels()
        taken = height(self.caption, "normalsize") + height(self.below, "scriptsize")
        for size in SIZES:
            parts = pages(panels, [[1] * len(rows)] * len(panels), taken, size)
            if all(len(here) == len(rows) for part in parts for _, here in part):
                break
        floats = []
        for at, part in enumerate(parts, 1):
            title, *rest = self.caption
            if len(parts) > 1:
                title = f"{title.removesuffix('.')} (part {at} of {len(parts)})."
            label = self.label if at == 1 else f"{self.label}-{at}"
            tabulars = [self._tabular([rows[row] for row in here], panel) for panel, here in part]
            gap = f"{GAP / 2:g}pt"
            floats.append(
                table_float([title, *rest], tabulars, self.below, label=label, size=size, gap=gap)
            )
        return PREAMBLE + "\n".join(floats)

    def _panels(self) -> list[list[int]]:
        """The columns of each panel: data sets stay whole if they can, then backbones."""
        columns = self.table.columns
        first = max(width(self.names.latex(row.label)) for row in self.table.rows)
        widths = [self._width(at) for at in range(len(columns))]
        levels: list[list[tuple[str, ...]]] = [
            [(column.dataset,) for column in columns],
            [column.where for column in columns],
        ]
        for keys in levels:
            for key, group in groupby(range(len(columns)), key=keys.__getitem__):
                places = list(group)
                for at in places:  # a head that is wider than its columns widens them
                    head = width(self.names.latex(key[-1])) + GAP
                    widths[at] = max(widths[at], head / len(places))
        return packed(widths, levels, self.line_width - first)

    def _width(self, at: int) -> float:
        cells = [row.cells[at] for row in self.table.rows]
        head = width(self._metric(self.table.columns[at]))
        body = max(width(self._value(cell)) for cell in cells)
        return max(head, body) + self._room(at) + GAP

    def _room(self, at: int) -> float:
        """Room for the marks of a column."""
        return MARK * max(len(row.cells[at].marks) for row in self.table.rows)

    def _tabular(self, rows: Sequence[PaperRow], panel: Sequence[int]) -> Tabular:
        ends = [f"r@{{\\hspace{{{self._room(at) + GAP:.1f}pt}}}}" for at in panel]
        groups = [
            [self._row(row, panel) for row in rows if row.reference == reference]
            for reference in (False, True)
        ]
        return Tabular(f"@{{}}l{''.join(ends)}@{{}}", self._head(panel), groups)

    def _head(self, panel: Sequence[int]) -> list[str]:
        """Data sets over backbones over metrics; what has one name stands in the caption."""
        columns = [self.table.columns[at] for at in panel]
        lines = []
        if len({column.dataset for column in self.table.columns}) > 1:
            lines += self._level([(c.dataset,) for c in columns])
        if len({column.backbone for column in self.table.columns}) > 1:
            lines += self._level([c.where for c in columns])
        return [*lines, line(["Method", *(self._metric(column) for column in columns)])]

    def _level(self, keys: Sequence[tuple[str, ...]]) -> list[str]:
        cells, rules, start = [""], [], 2
        for key, group in groupby(keys):
            n = len(list(group))
            cells.append(f"\\multicolumn{{{n}}}{{c}}{{{self.names.latex(key[-1])}}}")
            rules.append(f"\\cmidrule(lr){{{start}-{start + n - 1}}}")
            start += n
        return [line(cells), "".join(rules)]

    def _metric(self, column: PaperColumn) -> str:
        return self.names.latex(column.metric.name, column.metric.full_header)

    def _row(self, row: PaperRow, panel: Sequence[int]) -> str:
        return line([self.names.latex(row.label), *(self._cell(row.cells[at]) for at in panel)])

    def _cell(self, cell: PaperCell) -> str:
        marks = superscript(cell.marks)
        return self._value(cell) + (f"\\rlap{{{marks}}}" if marks else "")

    def _value(self, cell: PaperCell) -> str:
        """The mean, bold or underlined, with its spread; of an incomplete row its seeds."""
        if isnan(cell.mean):
            return f"-- ({cell.count})" if cell.count else "--"
        text = number(cell.mean)
        text = f"\\textbf{{{text}}}" if cell.best else text
        text = f"\\underline{{{text}}}" if cell.second else text
        if self.spread and not isnan(cell.std):
            text += f"{{\\scriptsize$\\,\\pm\\,${number(cell.std)}}}"
        return text
