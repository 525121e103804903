"""The main table as tables to render, and as a frame for csv."""

from math import isnan
from typing import Any

import pandas as pd

from ..measures.cost import CPU, WALL
from ..number_format import number, percent, seconds
from ..runs.baselines import several
from ..runs.notes import Note
from .cost_notes import HEADERS
from .main_table_values import Block, Entry, MainTable, Row
from .rate_text import rate_text
from .table import Cell, Column, Table, sort_key

BOLD = Note(
    "columns",
    "Bold: the highest mean of its column, tested or not; references count, warm-ups (~) do not.",
)
LABEL = 28
"""Longer labels stand on a line of their own in the text form."""
MARK = 3
"""The room of a mark behind a label, with the space before it."""
FN_RATE = Column("FN rate", "fnr", percent, "share of the negatives used")
SECONDS = {
    clock: Column(header, "epoch", seconds, f"{clock} seconds of sampling, scoring and update")
    for clock, header in HEADERS.items()
}


def tables(main: MainTable, *, spreads: bool, full_headers: bool) -> list[Table]:
    """One table a block, as `block_table` makes them, and the notes of the whole.

    Layouts with full headers set the best in bold, so their notes say what bold means.
    """
    blocks = [block_table(main, b, spreads=spreads, full_headers=full_headers) for b in main.blocks]
    notes = (*main.notes, *((BOLD,) if full_headers else ()))
    return [*blocks, Table(notes=notes)]


def block_table(
    main: MainTable, block: Block, *, spreads: bool = True, full_headers: bool = False
) -> Table:
    """The table of a block; `spreads` is about the bands, which a narrow table shows without."""
    rows = [row for each in main.blocks for row in each.rows]
    longest = max(len(row.label) + MARK * bool(row.budget_mark) for row in rows)
    columns = (
        Column("Method", "row", align="<", width=min(LABEL, longest)),
        *(Column(c.full_header if full_headers else c.header, c.name) for c in main.columns),
        *((FN_RATE,) * main.has_fn_rates),
        SECONDS[CPU if CPU in {row.clock for row in block.methods} else WALL],
    )
    methods, references = (
        tuple(_cells(main, row, spreads) for row in rows)
        for rows in (block.methods, block.references)
    )
    return Table(
        block.title,
        columns,
        methods,
        references,
        block.notes,
        headline=block.headline,
        squeeze=True,
    )


def _cells(main: MainTable, row: Row, spreads: bool) -> tuple[Cell, ...]:
    cells = [Cell(row.label, row.label, mark=row.budget_mark or None)]
    for at, (column, entry) in enumerate(zip(main.columns, row.entries, strict=True)):
        spread = _spread(entry) if spreads or column.band == "all" else ""
        mark, count = (row.mark, row.count) if at == main.primary else (None, "")
        key = sort_key(entry.mean)
        cells.append(Cell(number(entry.mean), key, spread, entry.best, mark, count))
    if main.has_fn_rates:
        cells.append(Cell(rate_text(vars(row), "fnr"), sort_key(row.fnr)))
    return (*cells, Cell(seconds(row.epoch), sort_key(row.epoch)))


def _spread(entry: Entry) -> str:
    return "" if isnan(entry.mean) or isnan(entry.std) else f"± {number(entry.std)}"


def exact_frame(main: MainTable) -> pd.DataFrame:
    """One line a row for a program: means and standard deviations apart, no notes.

    `baseline` is there where rows are compared with several.
    """
    lines = []
    own = several(main.vs, (row.baseline for block in main.blocks for row in block.rows))
    for block in main.blocks:
        for row in block.rows:
            line: dict[str, Any] = {"dataset": block.dataset, "backbone": block.backbone}
            line |= {"method": row.method, "variant": row.variant, "row": row.label}
            line |= {"kind": row.kind, "seeds": row.seeds, "expected": row.expected}
            for column, entry in zip(main.columns, row.entries, strict=True):
                line |= {column.name: entry.mean, f"{column.name}_std": entry.std}
            line |= {"fnr": row.fnr, "fnr_low": row.fnr_low, "fnr_high": row.fnr_high}
            line |= {"cpu_s_per_epoch": row.cpu}
            line |= {"wall_s_per_epoch": row.wall}
            line |= {"baseline": row.baseline} if own else {}
            line |= {"verdict": row.verdict}
            line |= {"p_corrected": row.p_corrected, "tied": int(row.tied)}
            lines.append(line | {"capped": row.capped, "warm_up_only": int(row.warm_up_only)})
    return pd.DataFrame(lines)
