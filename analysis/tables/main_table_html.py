"""The main table as a piece of HTML, to be set into any page: no style, no script.

Numbers stand as they do in the other layouts, with the same marks. Names and notes come from users
and from data, so all of them are escaped.
"""

from collections.abc import Sequence
from html import escape

from ..number_format import spelled
from .main_table_values import Block, Entry, Line, Table


def fragment(table: Table) -> str:
    """A `<section>` that holds one `<table>` a data set and backbone, and their notes."""
    parts = [part for block in table.blocks for part in _block(table, block)]
    return (
        "\n".join(['<section class="negbench">', *parts, *_notes(table.notes), "</section>"]) + "\n"
    )


def _block(table: Table, block: Block) -> list[str]:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in _heads(table))
    guards = ["<tbody>", *(_row(table, line) for line in block.references), "</tbody>"]
    return [
        "<table>",
        f"<caption>{escape(block.dataset)} · {escape(block.backbone)}</caption>",
        f"<thead><tr>{heads}</tr></thead>",
        "<tbody>",
        *(_row(table, line) for line in block.methods),
        "</tbody>",
        *(guards if block.references else []),
        "</table>",
        *_notes(block.notes),
    ]


def _heads(table: Table) -> list[str]:
    name = spelled(*table.metric)
    heads = [c.head if c.band == "all" else f"{name} {c.band}" for c in table.columns]
    return ["Method", *heads, *table.last_heads]


def _row(table: Table, line: Line) -> str:
    cells = [_value(entry) for entry in line.entries]
    mark = f" <sup>{escape(line.mark)}</sup>" if line.mark else ""
    cells[table.primary] += mark + escape(line.count)
    values = "".join(f"<td>{cell}</td>" for cell in [*cells, *map(escape, table.last_values(line))])
    return f'<tr><th scope="row">{escape(line.label)}</th>{values}</tr>'


def _value(entry: Entry) -> str:
    return f"<strong>{escape(entry.said)}</strong>" if entry.best else escape(entry.said)


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    return ["<ul>", *(f"<li>{escape(note)}</li>" for note in notes), "</ul>"]
