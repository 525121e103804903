"""Rendering: tables as aligned text, Markdown and HTML, data frames as csv, values as JSON.

Names and notes come from users and from data, so each layout escapes what its readers would take
for markup.
"""

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

import pandas as pd

from negbench.errors import UserError, did_you_mean

from ..runs.notes import Note
from .table import Cell, Table

WIDTH = 100
"""Columns of the screen that text is for."""


def require_format(what: str, name: str, known: Iterable[str]) -> None:
    """Check the name of a format.

    Raises UserError if it is not among the known ones.
    """
    names = list(known)
    if name not in names:
        raise UserError(
            f"{what} must be one of {', '.join(names)}; got {name!r}; {did_you_mean(name, names)}"
        )


def text(tables: Iterable[Table]) -> str:
    """Tables for a terminal, with a blank line between them."""
    return "\n\n".join("\n".join(_text_parts(table)) for table in tables) + "\n"


def _text_parts(table: Table) -> list[str]:
    caption = [table.caption] if table.caption else []
    caption += textwrap.wrap(table.headline, WIDTH, break_on_hyphens=False)
    return [*caption, *(_text_rows(table) if table.columns else []), *wrapped(table.notes)]


def _text_rows(table: Table) -> list[str]:
    """The rows in aligned columns, with rules around and between the groups."""
    rows = [[_text_cell(cell) for cell in row] for row in (*table.rows, *table.references)]
    if table.header:
        rows.insert(0, [column.header for column in table.columns])
    widths = [c.width or max(len(row[at]) for row in rows) for at, c in enumerate(table.columns)]
    wide = sum(widths) + 2 * (len(widths) - 1)
    gap = 1 if table.squeeze and wide > WIDTH else 2
    aligns = [column.align for column in table.columns]
    lines = [_aligned(row, aligns, widths, gap) for row in rows]
    if not table.rules:
        return lines
    rule = "-" * (wide - len(widths) + 1 if gap == 1 else min(WIDTH, wide))
    end = 1 + len(table.rows)
    references = [rule, *lines[end:]] if table.references else []
    return [rule, lines[0], rule, *lines[1:end], *references, rule]


def _text_cell(cell: Cell) -> str:
    """A cell whose mark has a place of its own, so that the numbers of a column stay in line."""
    return cell.full_text + (cell.count or ("" if cell.mark is None else f" {cell.mark:<2}"))


def _aligned(row: Sequence[str], aligns: Sequence[str], widths: Sequence[int], gap: int) -> str:
    """A row in its columns; a name that is too long for the first stands on a line of its own."""
    cells = [f"{c:{align}{width}}" for c, align, width in zip(row, aligns, widths, strict=True)]
    if aligns[0] == "<" and len(row[0]) > widths[0]:
        cells[0] = f"{row[0]}\n{' ' * widths[0]}"
    return (" " * gap).join(cells).rstrip()


def wrapped(notes: Iterable[Note]) -> list[str]:
    """Notes as lines that fit the screen."""
    fold = textwrap.TextWrapper(WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return [line for note in notes for line in fold.wrap(note.text)]


def markdown(tables: Iterable[Table]) -> str:
    """Tables for a README or an issue, the best in bold."""
    return "\n\n".join(part for table in tables for part in _markdown_parts(table)) + "\n"


def _markdown_parts(table: Table) -> list[str]:
    caption = f"{'### ' if table.heading else ''}{escaped(table.caption)}" if table.caption else ""
    notes = "\n".join(f"- {escaped(note.text)}" for note in table.notes)
    rows = _markdown_rows(table) if table.columns else []
    return [part for part in (caption, escaped(table.headline), "\n".join(rows), notes) if part]


def _markdown_rows(table: Table) -> list[str]:
    """Pipes: names to the left, numbers to the right, reference models in italics."""
    headers = [escaped(column.header) for column in table.columns]
    rule = [":--", *(["--:"] * (len(headers) - 1))]
    rows = [[_markdown_cell(cell) for cell in row] for row in table.rows]
    for name, *values in table.references:
        rows.append([f"*{escaped(name.text)}* (reference)", *map(_markdown_cell, values)])
    return [f"| {' | '.join(cells)} |" for cells in (headers, rule, *rows)]


def _markdown_cell(cell: Cell) -> str:
    value = escaped(cell.full_text)
    mark = escaped(f" {cell.mark}") if cell.mark else ""
    return (f"**{value}**" if cell.best else value) + mark + cell.count


def escaped(text: str) -> str:
    """A text in which Markdown finds no markup."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", plain).replace("\n", " ")


def html(tables: Iterable[Table]) -> str:
    """Tables as a `<section>` to be set into any page: no style, no script."""
    lines = [line for table in tables for line in _html_lines(table)]
    return "\n".join(['<section class="negbench">', *lines, "</section>"]) + "\n"


def _html_lines(table: Table) -> list[str]:
    notes = [f"<li>{escape(note.text)}</li>" for note in table.notes]
    items = ["<ul>", *notes, "</ul>"] if notes else []
    if not table.columns:
        return items
    first = f"<p>{escape(table.headline)}</p>" if table.headline else ""
    headers = "".join(f'<th scope="col">{escape(c.header)}</th>' for c in table.columns)
    groups = [table.rows, table.references] if table.references else [table.rows]
    bodies = [["<tbody>", *map(_html_row, rows), "</tbody>"] for rows in groups]
    return [
        "<table>",
        f"<caption>{escape(table.caption)}{first}</caption>",
        f"<thead><tr>{headers}</tr></thead>",
        *(line for body in bodies for line in body),
        "</table>",
        *items,
    ]


def _html_row(row: Sequence[Cell]) -> str:
    cells = "".join(f"<td>{_html_cell(cell)}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{_html_cell(row[0])}</th>{cells}</tr>'


def _html_cell(cell: Cell) -> str:
    value = escape(cell.full_text)
    mark = f" <sup>{escape(cell.mark)}</sup>" if cell.mark else ""
    return (f"<strong>{value}</strong>" if cell.best else value) + mark + escape(cell.count)


def comma_separated(frame: pd.DataFrame) -> str:
    """A frame for a program: one line a row, exact numbers, no notes."""
    return frame.to_csv(index=False, lineterminator="\n")


def as_json(value: Any) -> str:
    """A tree of values for a program; numbers that JSON lacks become null."""
    return json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """A tree of dictionaries and lists of JSON's own types, notes as text, None for NaN."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Note):
        return value.text
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not isfinite(value) else value
