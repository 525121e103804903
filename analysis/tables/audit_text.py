"""Layouts of the audit: text for a screen of 110 columns, markdown, csv and JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import isfinite, isnan
from typing import Any

from negbench.errors import UserError, did_you_mean

from ..runs.frames import REFERENCE, ROW, Run
from .audit import Line, Page, Part, audit_page
from .audit_columns import Column, Group
from .main_table_text import LABEL, WIDTH, escaped, wrapped


def render(run: Run, *, format: str = "text", metric: str | None = None) -> str:
    """The audit as text, md, csv or json; the metric says which accuracy and which K."""
    if format not in LAYOUTS:
        known = list(LAYOUTS)
        raise UserError(
            f"a format of audits must be one of {', '.join(known)}; got {format!r}; "
            f"{did_you_mean(format, known)}"
        )
    return LAYOUTS[format](audit_page(run, metric))


def text(page: Page) -> str:
    """For a terminal: the tables of a block one above the other."""
    label = min(LABEL, max(len(line["row"]) for part in page.parts for line in part.lines))
    parts = []
    for part in page.parts:
        tables = [_text_table(part, group, max(label, 6)) for group in _told(page, part)]
        head = f"{part.dataset} · {part.backbone}"
        parts.append("\n\n".join([head, *tables, "\n".join(wrapped(part.notes))]))
    return "\n\n".join([*parts, "\n".join(wrapped([*_legend(page), *page.notes]))]) + "\n"


def _text_table(part: Part, group: Group, label: int) -> str:
    heads = ["Method", *(column.head for column in group.columns)]
    lines = _lines(part, group)
    rows = [heads, *([line["row"], *_values(line, group)] for line in lines)]
    widths = [max(len(row[at]) for row in rows) for at in range(1, len(heads))]
    rule = "-" * min(WIDTH, label + sum(widths) + 2 * len(widths))
    laid = [_aligned(row, label, widths) for row in rows]
    n = 1 + sum(line["kind"] != REFERENCE for line in lines)
    guards = [rule, *laid[n:]] if n < len(laid) else []
    return "\n".join([_title(part, group), rule, laid[0], rule, *laid[1:n], *guards, rule])


def _aligned(row: Sequence[str], label: int, widths: Sequence[int]) -> str:
    cells = [value.rjust(width) for value, width in zip(row[1:], widths, strict=True)]
    start = f"{row[0]:<{label}}" if len(row[0]) <= label else f"{row[0]}\n{' ' * label}"
    return "  ".join([start, *cells])


def markdown(page: Page) -> str:
    """For a README or an issue."""
    parts = []
    for part in page.parts:
        parts.append(f"### {escaped(part.dataset)} · {escaped(part.backbone)}")
        for group in _told(page, part):
            heads = ["Method", *(column.head for column in group.columns)]
            rule = [":--", *(["--:"] * (len(heads) - 1))]
            lines = [[_name(line), *_values(line, group)] for line in _lines(part, group)]
            table = "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *lines])
            parts.append(f"{escaped(_title(part, group))}\n\n{table}")
        parts.append("\n".join(f"- {escaped(note)}" for note in part.notes))
    parts.append("\n".join(f"- {escaped(note)}" for note in [*_legend(page), *page.notes]))
    return "\n\n".join(parts) + "\n"


def _name(line: Line) -> str:
    label = escaped(line["row"])
    return label if line["kind"] != REFERENCE else f"*{label}* (reference)"


def _told(page: Page, part: Part) -> list[Group]:
    """The tables of which this block knows anything."""
    return [g for g in page.groups if any(_known(ln, c) for ln in part.lines for c in g.columns)]


def _lines(part: Part, group: Group) -> list[Line]:
    """The rows of a table; references have no place where nothing is known of them."""
    return [
        line
        for line in part.lines
        if line["kind"] != REFERENCE or any(_known(line, column) for column in group.columns)
    ]


def _title(part: Part, group: Group) -> str:
    trained = any(column.field == "fnr" for column in group.columns)
    return f"{group.title} ({part.knowledge})" if trained and part.knowledge else group.title


def _values(line: Line, group: Group) -> list[str]:
    return [c.form(line[c.field]) if _known(line, c) else "-" for c in group.columns]


def _known(line: Line, column: Column) -> bool:
    return column.field in line and not isnan(line[column.field])


def _legend(page: Page) -> list[str]:
    """What every column says; of a table that no block shows, nothing."""
    shown = {group.title for part in page.parts for group in _told(page, part)}
    return [
        f"{group.title}. {'; '.join(f'{column.head}: {column.says}' for column in group.columns)}."
        for group in page.groups
        if group.title in shown
    ]


def comma_separated(page: Page) -> str:
    """For a program: one line a row with all figures, exact, without notes."""
    return page.frame.to_csv(index=False, lineterminator="\n")


def as_json(page: Page) -> str:
    """For a program, with the notes; numbers that JSON lacks become null."""
    told = {
        "metric": f"{page.metric[0]}@{page.metric[1]}",
        "k": page.metric[1],
        "blocks": [
            {
                "dataset": part.dataset,
                "backbone": part.backbone,
                "false_negative_rates": part.knowledge,
                "rows": [_jsonable(line) for line in part.lines],
                "notes": part.notes,
            }
            for part in page.parts
        ],
        "columns": {c.field: c.says for group in page.groups for c in group.columns},
        "notes": page.notes,
    }
    return json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _jsonable(line: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        value = value.item() if hasattr(value, "item") else value
        return None if isinstance(value, float) and not isfinite(value) else value

    values = {name: plain(value) for name, value in line.items()}
    start = {name: values.pop(name) for name in (*ROW, "seeds", "expected")}
    return start | {"knowledge": values.pop("knowledge"), "values": values}


LAYOUTS: dict[str, Callable[[Page], str]] = {
    "text": text,
    "md": markdown,
    "csv": comma_separated,
    "json": as_json,
}
