"""The main table as a sheet of the page, with its marks; references stay a group of their own."""

from ..number_format import percent, seconds
from ..tables.main_table_values import Block, Line, Table
from ..tables.sortable_table import Head, Sheet, Value, sortable


def main_sheet(table: Table, block: Block) -> Sheet:
    """The sheet of a block."""
    return Sheet(
        "Test part, full ranking. The best of each column is bold; a head sorts its column.",
        (
            Head("Method", "row"),
            *(Head(column.head, column.name) for column in table.columns),
            *((Head("FN rate", "fnr", percent, "share of the negatives used"),) * table.watched),
            Head("s/epoch", "epoch", seconds, "wall seconds of sampling, scoring and update"),
        ),
        tuple(_row(table, line) for line in block.methods),
        tuple(_row(table, line) for line in block.references),
    )


def _row(table: Table, line: Line) -> tuple[Value, ...]:
    values = [Value(line.label, line.label)]
    for at, entry in enumerate(line.entries):
        mean, _, std = entry.said.partition(" ± ")
        mark = f"{line.mark}{line.count}" if at == table.primary else None
        spread = f"± {std}" if std else ""
        values.append(Value(mean, sortable(entry.mean), spread, entry.best, mark))
    if table.watched:
        values.append(Value(percent(line.fnr), sortable(line.fnr)))
    return (*values, Value(seconds(line.epoch), sortable(line.epoch)))
