"""A table as a value: columns, rows of cells, references as a group of their own, and notes.

`render` lays it out as text, Markdown and HTML, and the report as a table that readers sort. A cell
carries its text and its sort key; a value that was not measured is "-" and has no sort key, so it
stays last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from ..number_format import number
from ..runs.notes import Note

Record = Mapping[str, Any]
"""A line of a frame."""


@dataclass(frozen=True)
class Column:
    """A column: header, field of a record, number format, description, and place in text form."""

    header: str
    field: str = ""
    format: Callable[[float], str] = number
    description: str = ""
    """What the header means, where the word alone is not clear: for tooltips and legends."""
    align: str = ">"
    """In text form, as format strings have it: < left, ^ centred, > right."""
    width: int = 0
    """In text form; 0 for the width of the widest cell."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    sort_key: str = ""
    """Empty where there is no value."""
    spread: str = ""
    """The standard deviation or the interval, as text."""
    best: bool = False
    mark: str | None = None
    """A mark behind the value; an empty one keeps its room."""
    count: str = ""
    """How many seeds of an incomplete row finished, in place of the mark."""

    @property
    def full_text(self) -> str:
        """The value with its spread."""
        return f"{self.text} {self.spread}" if self.spread else self.text


@dataclass(frozen=True)
class Table:
    """A table with its notes; a heading alone and notes alone are tables without columns."""

    caption: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    references: tuple[tuple[Cell, ...], ...] = ()
    """The rows of reference models, a group of their own."""
    notes: tuple[Note, ...] = ()
    heading: bool = True
    """Whether the caption is a heading in Markdown."""
    rules: bool = True
    """Whether text form draws rules around the table and between its groups."""
    header: bool = True
    """Whether text form shows the headers."""
    squeeze: bool = False
    """Whether text form narrows the gaps of a table that is wider than the screen."""
    headline: str = ""
    """What to read first: a sentence under the caption."""

    @property
    def textual(self) -> tuple[bool, ...]:
        """Which columns hold words and are sorted by letters; all others by size."""
        rows = (*self.rows, *self.references)
        return tuple(
            any(row[at].sort_key and not _is_number(row[at].sort_key) for row in rows) or not at
            for at in range(len(self.columns))
        )


def table_of(
    caption: str,
    columns: Sequence[Column],
    records: Sequence[Record],
    references: Sequence[Record] = (),
) -> Table | None:
    """A table of these records without its empty columns; None if only the first has any value."""
    both = [*records, *references]
    kept = tuple(c for at, c in enumerate(columns) if not at or any(known(r, c) for r in both))
    if len(kept) < 2:
        return None
    rows = tuple(tuple(cell(record, column) for column in kept) for record in both)
    return Table(caption, kept, rows[: len(records)], rows[len(records) :])


def text_rows(
    columns: Mapping[Column, Callable[[Any], str]], records: Sequence[Any]
) -> tuple[tuple[Cell, ...], ...]:
    """The rows of these records, with the function that writes the cells of each column."""
    return tuple(tuple(Cell(write(record)) for write in columns.values()) for record in records)


def cell(record: Record, column: Column) -> Cell:
    """The cell of a record in a column, with `<field>_std` or `<field>_low`, `_high` as spread.

    Words have `<field>_mark` behind them.
    """
    if not known(record, column):
        return Cell("-")
    value = record[column.field]
    if isinstance(value, str):
        return Cell(value, value, mark=record.get(f"{column.field}_mark") or None)
    return Cell(column.format(float(value)), sort_key(float(value)), _spread(record, column))


def known(record: Record, column: Column) -> bool:
    """Whether a record has a value in a column."""
    value = record.get(column.field)
    return not (value is None or value == "" or (isinstance(value, float) and isnan(value)))


def sort_key(value: float) -> str:
    """A number as the report's script reads it; empty for NaN."""
    if isnan(value):
        return ""
    return repr(value) if isfinite(value) else "-Infinity" if value < 0 else "Infinity"


def _spread(record: Record, column: Column) -> str:
    std, low, high = (record.get(f"{column.field}_{end}") for end in ("std", "low", "high"))
    if std is not None and not isnan(std):
        return f"± {column.format(float(std)).removeprefix('+')}"
    if low is not None and high is not None and not isnan(low) and not isnan(high):
        return f"[{column.format(float(low))}, {column.format(float(high))}]"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
