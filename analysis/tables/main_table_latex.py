"""The main table for a paper, in LaTeX with booktabs; caption and notes state the protocol.

Needs no package but booktabs.
"""

from collections.abc import Sequence
from math import isnan

from ..number_format import metric_label
from .latex_float import PREAMBLE, Tabular, line, table_float
from .latex_text import escaped
from .main_table_text import BOLD, block_table
from .main_table_values import Block, MainTable, Row
from .table import Cell

CAPTION = ("split", "exclusion", "seeds", "tuning", "budget", "pending", "test", "columns", "rates")
"""Kinds of notes that a caption must not do without."""


def latex(table: MainTable) -> str:
    """One float a data set and backbone; best bold, second underlined, ties and tests marked."""
    parts = [_latex_block(table, block) for block in table.blocks]
    return PREAMBLE + "\n".join(parts)


def _latex_block(main: MainTable, block: Block) -> str:
    # Bands without their spread, as on a screen: the table shall fit one column of an article.
    table = block_table(main, block, spreads=False)
    n = len(main.columns)
    bands = sum(column.band != "all" for column in main.columns)
    name = escaped(metric_label(main.metric))
    over = f"{' &' * (n - bands)} & \\multicolumn{{{bands}}}{{c}}{{{name} by band}} & \\\\"
    cut = f"\\cmidrule(lr){{{n - bands + 2}-{n + 1}}}"
    second_best = _second_best(main, block)
    methods, references = (
        [_latex_row(main, *pair, second_best) for pair in zip(rows, cells, strict=True)]
        for rows, cells in (
            (block.methods, table.rows),
            (block.references, table.references),
        )
    )
    caption, notes = _caption_and_notes(main, block)
    types = _column_types(len(table.columns) - 1, main.primary)
    head = line([escaped(column.header) for column in table.columns])
    tabular = Tabular(types, [*([over, cut] if bands else []), head], [methods, references])
    return table_float(caption, [tabular], notes)


def _caption_and_notes(main: MainTable, block: Block) -> tuple[list[str], list[str]]:
    """The sentences of the caption, and those under the table; all escaped, none twice."""
    notes = (*block.notes, *main.notes)
    caption = [
        f"{metric_label(main.metric)} and its bands on {block.dataset}, {block.backbone}.",
        *(note.text for note in notes if note.kind in CAPTION),
        BOLD.text,
        "Underlined: the second highest.",
    ]
    below = [block.headline, *(note.text for note in notes if note.kind not in CAPTION)]
    return [escaped(text) for text in caption], [escaped(text) for text in below]


def _column_types(n: int, primary: int) -> str:
    """The tested column leaves room at its right, where the marks hang over."""
    types = ["r"] * n
    types[primary] = "r@{\\hspace{12pt}}"
    return "@{}l" + "".join(types) + "@{}"


def _second_best(main: MainTable, block: Block) -> list[float]:
    """The second highest mean of each column, references among them; NaN where there is none."""
    seconds = []
    rows = [row for row in block.rows if not row.warm_up_only]
    for at in range(len(main.columns)):
        means = {row.entries[at].mean for row in rows if not row.entries[at].best}
        seconds.append(max((mean for mean in means if not isnan(mean)), default=float("nan")))
    return seconds


def _latex_row(
    main: MainTable, row: Row, cells: Sequence[Cell], second_best: Sequence[float]
) -> str:
    label, *values = (escaped(cell.full_text) for cell in cells)
    label += f" {escaped(row.budget_mark)}" if row.budget_mark else ""
    for at, (entry, second) in enumerate(zip(row.entries, second_best, strict=True)):
        if entry.best:
            values[at] = f"\\textbf{{{values[at]}}}"
        elif entry.mean == second and not row.warm_up_only:
            values[at] = f"\\underline{{{values[at]}}}"
    marks = {"*": "*", "v": "\\mathrm{v}", "=": "="}
    mark = "".join(marks[sign] for sign in row.mark)
    values[main.primary] += f"\\rlap{{$^{{{mark}}}$}}" if mark else escaped(row.count)
    return line([label, *values])
