"""Tables as values in LaTeX: a float each, with the notes of its block under it.

It is the LaTeX of what `render` writes as text and Markdown: comparison, audit, settings. Lines of
long words are broken, and a table that is wider than the line is parted into panels.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from ..runs.notes import Note
from .latex_float import PREAMBLE, Tabular, line, table_float
from .latex_notes import in_latex, label, stays, superscript
from .latex_panels import LINE, height, packed, pages, width
from .latex_text import escaped
from .table import Cell, Table

SIZE = "scriptsize"
GAP = 5.0
"""Points between two columns."""
BROKEN = 32
"""Letters of a cell above which the lines of its column are broken."""
PARAGRAPH = 0.3
"""The least share of the line of such a column."""


def latex(tables: Sequence[Table], title: str = "") -> str:
    """The floats, `title` before each caption; headings and notes go to the tables they are about.

    A heading is the block of the tables behind it, and the notes of a block are about all its
    tables; the last notes are about all. Each float holds the notes that its numbers may not be
    quoted without, the last one of a block all of them.
    """
    end = tables[-1].notes if tables and not tables[-1].columns else ()
    floats = list[str]()
    for heading, block in _blocks(tables):
        notes = [note for table in block if not table.columns for note in table.notes]
        notes += [note for note in end if note not in notes]
        shown = [table for table in block if table.columns]
        for table in shown:
            mine = [note for note in (*table.notes, *notes) if table is shown[-1] or stays(note)]
            floats += _of_table(table, title, heading, mine)
    return PREAMBLE + "\n".join(floats)


def _blocks(tables: Iterable[Table]) -> Iterator[tuple[str, list[Table]]]:
    """The tables behind each heading, with the heading; those before the first have none."""
    heading, block = "", list[Table]()
    for table in tables:
        if table.caption and not table.columns:
            yield heading, block
            heading, block = table.caption, []
        else:
            block.append(table)
    yield heading, block


def _of_table(table: Table, title: str, heading: str, notes: Sequence[Note]) -> Iterator[str]:
    """The floats of one table: one, unless it is wider than the line or longer than the page."""
    words = [title, heading, table.caption.rstrip(".")]
    caption = [f"{escaped(': '.join(word for word in words if word))}."]
    if table.headline:
        caption.append(escaped(table.headline))
    meanings = [f"{c.header}: {c.description}" for c in table.columns if c.description]
    caption += [f"{escaped('; '.join(meanings))}."] if meanings else []
    below = [in_latex(note) for note in notes if not (meanings and note.kind == "legend")]
    taken = height(caption, "normalsize") + height(below, "scriptsize")
    grid = _Grid(table)
    parts = pages(grid.panels, [grid.lines(panel) for panel in grid.panels], taken, SIZE)
    for part in parts:
        tabulars = [grid.tabular(panel, rows) for panel, rows in part]
        yield table_float(caption, tabulars, below, size=SIZE, gap=f"{GAP / 2:g}pt")


class _Grid:
    """The cells of a table in LaTeX, with the widths of its columns."""

    def __init__(self, table: Table) -> None:
        self.rows = [_cells(row) for row in (*table.rows, *table.references)]
        self.references = len(table.rows)
        self.heads = [escaped(column.header) for column in table.columns]
        self.right = [column.align == ">" for column in table.columns]
        columns = [*zip(self.heads, *self.rows, strict=True)]
        self.broken = [max(map(len, cells[1:])) > BROKEN for cells in columns]
        self.widths = [
            PARAGRAPH * LINE if broken else max(width(cell, SIZE) for cell in cells) + GAP
            for cells, broken in zip(columns, self.broken, strict=True)
        ]
        self.panels = [
            [0, *(at + 1 for at in panel)]
            for panel in packed(self.widths[1:], [], LINE - self.widths[0])
        ]

    def share(self, panel: Sequence[int]) -> float:
        """The width of a column of broken lines: an equal part of what the others leave."""
        left = LINE - sum(self.widths[at] for at in panel if not self.broken[at])
        return left / max(1, sum(self.broken[at] for at in panel)) - GAP

    def lines(self, panel: Sequence[int]) -> list[int]:
        """How many lines each row takes up; a broken line wastes a tenth."""
        broken = [at for at in panel if self.broken[at]]
        room = 0.9 * self.share(panel)
        return [
            max([1, *(ceil(width(row[at], SIZE) / room) for at in broken)]) for row in self.rows
        ]

    def tabular(self, panel: Sequence[int], rows: Sequence[int]) -> Tabular:
        """These columns of these rows."""
        types = [
            f"p{{{self.share(panel):.0f}pt}}"
            if self.broken[at]
            else "r"
            if self.right[at] and at
            else "l"
            for at in panel
        ]
        groups = [
            [
                line([self.rows[row][at] for at in panel])
                for row in rows
                if (row >= self.references) == reference
            ]
            for reference in (False, True)
        ]
        head = line([self.heads[at] for at in panel])
        return Tabular(f"@{{}}{''.join(types)}@{{}}", [head], groups)


def _cells(row: Sequence[Cell]) -> list[str]:
    """The cells of a row; marks behind its label and its words become superscripts."""
    first = label(row[0].full_text) + superscript((row[0].mark or "").strip())
    return [first, *map(_cell, row[1:])]


def _cell(cell: Cell) -> str:
    text = escaped(cell.full_text.strip())
    text = f"\\textbf{{{text}}}" if cell.best else text
    return text + superscript((cell.mark or "").strip()) + escaped(cell.count)
