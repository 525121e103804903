"""Layouts of the main table: text for a screen of 110 columns, markdown and csv; LaTeX and HTML
are laid out by `latex` and `fragment`.

Names and notes come from users and from data, so each layout escapes what its readers would take
for markup.
"""

import csv
import io
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from math import isnan

from ..number_format import number, spelled
from .main_table_html import fragment
from .main_table_latex import latex
from .main_table_values import Column, Line, Table

WIDTH = 110
LABEL = 28
"""Longer labels stand on a line of their own in the text form."""


def text(table: Table) -> str:
    """The table for a terminal, at most 110 columns wide."""
    parts = []
    longest = max((len(line.label) for b in table.blocks for line in b.lines), default=0)
    label = min(LABEL, longest)
    for block in table.blocks:
        rows = [["Method", *(c.head for c in table.columns), *table.last_heads]]
        rows += [_text_row(table, line) for line in block.lines]
        widths = [max(len(row[at]) for row in rows) for at in range(1, len(rows[0]))]
        lines = [_aligned(row, label, widths) for row in rows]
        rule = "-" * min(WIDTH, label + sum(widths) + 2 * len(widths))
        guards = [rule, *lines[1 + len(block.methods) :]] if block.references else []
        head = f"{block.dataset} · {block.backbone}"
        body = [head, rule, lines[0], rule, *lines[1 : 1 + len(block.methods)], *guards, rule]
        parts.append("\n".join([*(line.rstrip() for line in body), *wrapped(block.notes)]))
    return "\n\n".join([*parts, "\n".join(wrapped(table.notes))]) + "\n"


def _text_row(table: Table, line: Line) -> list[str]:
    values = [
        entry.said if column.band == "all" else number(entry.mean)
        for column, entry in zip(table.columns, line.entries, strict=True)
    ]
    # The mark has a place of its own, so that the numbers of a column stay in line.
    values[table.primary] += (f" {line.mark:<2}" if line.whole else line.count) or ""
    return [line.label, *values, *table.last_values(line)]


def _aligned(row: Sequence[str], label: int, widths: Sequence[int]) -> str:
    cells = [value.rjust(width) for value, width in zip(row[1:], widths, strict=True)]
    values = "  ".join(["", *cells])
    return (
        f"{row[0]:<{label}}{values}" if len(row[0]) <= label else f"{row[0]}\n{' ' * label}{values}"
    )


def wrapped(notes: Iterable[str]) -> list[str]:
    """Notes as lines that fit the screen."""
    fold = textwrap.TextWrapper(WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return [part for note in notes for part in fold.wrap(note)]


def markdown(table: Table) -> str:
    """The table for a README or an issue: one per block, the best in bold."""
    parts = []
    heads = ["Method", *(_column(table, c) for c in table.columns), *table.last_heads]
    for block in table.blocks:
        lines = [_pipes(heads), _pipes([":--", *(["--:"] * (len(heads) - 1))])]
        for line in block.lines:
            values = [f"**{e.said}**" if e.best else e.said for e in line.entries]
            values[table.primary] += escaped(line.mark and f" {line.mark}") + line.count
            label = escaped(line.label)
            name = label if line in block.methods else f"*{label}* (reference)"
            lines.append(_pipes([name, *values, *table.last_values(line)]))
        notes = [f"- {escaped(note)}" for note in block.notes]
        head = f"### {escaped(block.dataset)} · {escaped(block.backbone)}"
        parts.append("\n".join([head, "", *lines, "", *notes]))
    return "\n\n".join([*parts, "\n".join(f"- {escaped(note)}" for note in table.notes)]) + "\n"


def _column(table: Table, column: Column) -> str:
    return column.head if column.band == "all" else f"{spelled(*table.metric)} {column.band}"


def _pipes(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(said: str) -> str:
    """A text in which markdown finds no markup."""
    plain = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", plain).replace("\n", " ")


def comma_separated(table: Table) -> str:
    """The table for a program: one line a row, means and standard deviations apart, no notes."""
    out = io.StringIO()
    names = [f"{c.name}{end}" for c in table.columns for end in ("", "_std")]
    writer = csv.writer(out, lineterminator="\n")
    start = ["dataset", "backbone", "method", "variant", "row", "kind", "seeds", "expected"]
    writer.writerow([*start, *names, "fnr", "s_per_epoch", "verdict", "p_holm", "tied"])
    for block in table.blocks:
        for line in block.lines:
            where = [
                block.dataset,
                block.backbone,
                line.method,
                line.variant,
                line.label,
                line.kind,
            ]
            values = [_exact(v) for e in line.entries for v in (e.mean, e.std)]
            last = [_exact(line.fnr), _exact(line.epoch)]
            test = [line.verdict, _exact(line.p_holm), int(line.tied)]
            writer.writerow([*where, line.seeds, line.expected, *values, *last, *test])
    return out.getvalue()


def _exact(value: float) -> str:
    return "" if isnan(value) else repr(float(value))


LAYOUTS: dict[str, Callable[[Table], str]] = {
    "text": text,
    "md": markdown,
    "csv": comma_separated,
    "latex": latex,
    "html": fragment,
}
