"""Layouts of the audit: text for a screen of 100 columns, Markdown, LaTeX, csv and JSON."""

from collections.abc import Callable
from typing import Any

from ..runs.frames import REFERENCE, ROW, MetricLike, Run
from ..runs.notes import Note
from .audit import BUDGET, Audit, AuditBlock, Line, audit_page
from .audit_columns import Group
from .budget_notes import mark
from .main_table_text import LABEL, MARK
from .rate_text import margin_note, rate_text
from .render import as_json, comma_separated, markdown, require_format, text
from .table import Cell, Column, Table, known
from .tables_latex import latex

RATES = ("fnr", "fnr_lift", "fhnr", "tnr", "tnr_lift", "fnr_judged", "fnr_random")
KEYS = (*ROW, "seeds", "expected", *BUDGET, "knowledge")


def render(run: Run, *, format: str = "text", metric: MetricLike = None) -> str:
    """The audit as text, md, latex, csv or json; `metric` chooses the accuracy and K.

    Raises UserError if the format is unknown, or the metric was not measured.
    """
    require_audit_format(format)
    return lay_out(audit_page(run, metric), format)


def require_audit_format(format: str) -> None:
    """Raises UserError if the format is unknown."""
    require_format("a format of audits", format, LAYOUTS)


def lay_out(audit: Audit, format: str) -> str:
    """An audit as text, md, latex, csv or json."""
    return LAYOUTS[format](audit)


def tables(audit: Audit) -> list[Table]:
    """Per block a heading, its tables and its notes; the legend and the notes of the run last."""
    lines = [line for block in audit.blocks for line in block.lines]
    longest = max(len(line["row"]) + MARK * bool(mark(line)) for line in lines)
    method = Column("Method", "row", align="<", width=max(min(LABEL, longest), 6))
    page = []
    for block in audit.blocks:
        page.append(Table(f"{block.dataset} · {block.backbone}"))
        page += [_table(block, group, method) for group in _measured(audit, block)]
        page.append(Table(notes=block.notes))
    return [*page, Table(notes=(*_legend(audit), *_margins(audit), *audit.notes))]


def _table(block: AuditBlock, group: Group, method: Column) -> Table:
    """A group's columns; references have no row where none of them is known."""
    trained = any(column.field == "fnr" for column in group.columns)
    title = f"{group.title} ({block.knowledge})" if trained and block.knowledge else group.title
    rows, references = [], []
    for line in block.lines:
        name = Cell(line["row"], mark=mark(line) or None)
        row = (name, *(Cell(_value(line, column)) for column in group.columns))
        if line["kind"] != REFERENCE:
            rows.append(row)
        elif any(known(line, column) for column in group.columns):
            references.append(row)
    columns = (method, *group.columns)
    return Table(title, columns, tuple(rows), tuple(references), heading=False, squeeze=True)


def _value(line: Line, column: Column) -> str:
    if not known(line, column):
        return "-"
    return rate_text(line, column.field, column.format)


def _measured(audit: Audit, block: AuditBlock) -> list[Group]:
    """The groups of columns of which this block has any value."""
    return [g for g in audit.groups if any(known(ln, c) for ln in block.lines for c in g.columns)]


def _legend(audit: Audit) -> list[Note]:
    """What every column means, for the groups that any block shows."""
    shown = {group.title for block in audit.blocks for group in _measured(audit, block)}
    return [
        Note("legend", f"{group.title}. {'; '.join(_meanings(group))}.")
        for group in audit.groups
        if group.title in shown
    ]


def _meanings(group: Group) -> list[str]:
    return [f"{column.header}: {column.description}" for column in group.columns]


def _margins(audit: Audit) -> list[Note]:
    """What the margins of the rates mean."""
    return margin_note([line for block in audit.blocks for line in block.lines], RATES)


def _tree(audit: Audit) -> dict[str, Any]:
    """All figures for JSON, with the notes."""
    return {
        "metric": str(audit.metric),
        "k": audit.metric.k,
        "blocks": [
            {
                "dataset": block.dataset,
                "backbone": block.backbone,
                "false_negative_rates": block.knowledge,
                "rows": [_row_tree(line) for line in block.lines],
                "notes": block.notes,
            }
            for block in audit.blocks
        ],
        "columns": {c.field: c.description for group in audit.groups for c in group.columns},
        "notes": audit.notes,
    }


def _row_tree(line: Line) -> dict[str, Any]:
    values = {name: value for name, value in line.items() if name not in KEYS}
    return {**{name: line[name] for name in KEYS}, "values": values}


LAYOUTS: dict[str, Callable[[Audit], str]] = {
    "text": lambda audit: text(tables(audit)),
    "md": lambda audit: markdown(tables(audit)),
    "latex": lambda audit: latex(tables(audit)),
    "csv": lambda audit: comma_separated(audit.frame),
    "json": lambda audit: as_json(_tree(audit)),
}
