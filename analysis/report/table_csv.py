"""A table of the report as csv in a link, so that the page stays one file and needs no script."""

from collections.abc import Sequence
from urllib.parse import quote

import pandas as pd

from ..tables.render import comma_separated
from ..tables.table import Cell, Table

GROUP = "group"
"""The column that tells reference models from methods, where a table holds both."""


def csv_uri(table: Table) -> str:
    """The table as the data URI of a csv, fit for an attribute in double quotes."""
    return text_uri(csv_text(table))


def text_uri(text: str) -> str:
    """A csv as a data URI, fit for an attribute in double quotes."""
    return f"data:text/csv;charset=utf-8,{quote(text, safe=',')}"


def csv_text(table: Table) -> str:
    """The table as csv: every row, numbers exact and not as rounded or in percent on the page.

    Behind a column stand, where it has any, what is in small print beside its values, as shown
    there (a spread, an interval), and its marks.
    """
    rows = (*table.rows, *table.references)
    columns: list[tuple[str, list[str]]] = []
    for at, column in enumerate(table.columns):
        cells = [row[at] for row in rows]
        columns.append((column.header, [cell.sort_key for cell in cells]))
        for name, texts in (
            ("spread as shown", [cell.spread for cell in cells]),
            ("mark", [_mark(cell) for cell in cells]),
        ):
            if any(texts):
                columns.append((f"{column.header} {name}", texts))
    if table.references:
        groups = [*_same("method", table.rows), *_same("reference", table.references)]
        columns.append((GROUP, groups))
    names, texts_of = zip(*columns, strict=True)
    return comma_separated(pd.DataFrame(list(zip(*texts_of, strict=True)), columns=list(names)))


def _mark(cell: Cell) -> str:
    return f"{cell.mark or ''}{cell.count}".strip()


def _same(word: str, rows: Sequence[tuple[Cell, ...]]) -> list[str]:
    return [word] * len(rows)
