"""The main table as tables to render, and as a frame for csv."""

from math import isnan
from typing import Any

import pandas as pd

from ..number_format import number, percent, seconds
from .main_table_values import Block, Entry, MainTable, Row
from .table import Cell, Column, Table, sort_key

LABEL = 28
"""Longer labels stand on a line of their own in the text form."""
FN_RATE = Column("FN rate", "fnr", percent, "share of the negatives used")
SECONDS = Column("s/epoch", "epoch", seconds, "wall seconds of sampling, scoring and update")


def tables(main: MainTable, *, spreads: bool, full_headers: bool) -> list[Table]:
    """One table a block, as `block_table` makes them, and the notes of the whole."""
    blocks = [block_table(main, b, spreads=spreads, full_headers=full_headers) for b in main.blocks]
    return [*blocks, Table(notes=main.notes)]


def block_table(
    main: MainTable, block: Block, *, spreads: bool = True, full_headers: bool = False
) -> Table:
    """The table of a block; `spreads` is about the bands, which a narrow table shows without."""
    longest = max(len(row.label) for each in main.blocks for row in each.rows)
    columns = (
        Column("Method", "row", align="<", width=min(LABEL, longest)),
        *(Column(c.full_header if full_headers else c.header, c.name) for c in main.columns),
        *((FN_RATE,) * main.has_fn_rates),
        SECONDS,
    )
    methods, references = (
        tuple(_cells(main, row, spreads) for row in rows)
        for rows in (block.methods, block.references)
    )
    return Table(block.title, columns, methods, references, block.notes)


def _cells(main: MainTable, row: Row, spreads: bool) -> tuple[Cell, ...]:
    cells = [Cell(row.label, row.label)]
    for at, (column, entry) in enumerate(zip(main.columns, row.entries, strict=True)):
        spread = _spread(entry) if spreads or column.band == "all" else ""
        mark, count = (row.mark, row.count) if at == main.primary else (None, "")
        key = sort_key(entry.mean)
        cells.append(Cell(number(entry.mean), key, spread, entry.best, mark, count))
    if main.has_fn_rates:
        cells.append(Cell(percent(row.fnr), sort_key(row.fnr)))
    return (*cells, Cell(seconds(row.epoch), sort_key(row.epoch)))


def _spread(entry: Entry) -> str:
    return "" if isnan(entry.mean) or isnan(entry.std) else f"± {number(entry.std)}"


def exact_frame(main: MainTable) -> pd.DataFrame:
    """One line a row for a program: means and standard deviations apart, no notes."""
    lines = []
    for block in main.blocks:
        for row in block.rows:
            line: dict[str, Any] = {"dataset": block.dataset, "backbone": block.backbone}
            line |= {"method": row.method, "variant": row.variant, "row": row.label}
            line |= {"kind": row.kind, "seeds": row.seeds, "expected": row.expected}
            for column, entry in zip(main.columns, row.entries, strict=True):
                line |= {column.name: entry.mean, f"{column.name}_std": entry.std}
            line |= {"fnr": row.fnr, "s_per_epoch": row.epoch, "verdict": row.verdict}
            lines.append(line | {"p_holm": row.p_holm, "tied": int(row.tied)})
    return pd.DataFrame(lines)
