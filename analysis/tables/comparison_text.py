"""Layouts of the comparison: text for a screen of 110 columns, markdown, csv and JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import isfinite, isnan
from typing import Any

import pandas as pd

from negbench.errors import UserError, did_you_mean

from ..number_format import number, spelled
from ..runs.frames import Run
from .comparison import Comparison, Line, Part, comparison
from .main_table_text import WIDTH, escaped, wrapped

LABEL = 20
"""Longer labels stand on a line of their own in the text form."""
HEADS = ["diff.", "%", "d", "w/t/l", "p", "p corr.", "verdict", "rank"]


def render(
    run: Run,
    *,
    format: str = "text",
    metric: str | None = None,
    vs: str = "random",
    test: str = "paired-t",
    correction: str = "holm",
    seeds: str = "average",
) -> str:
    """The comparison as text, md, csv or json."""
    if format not in LAYOUTS:
        known = list(LAYOUTS)
        raise UserError(
            f"a format of comparisons must be one of {', '.join(known)}; got {format!r}; "
            f"{did_you_mean(format, known)}"
        )
    told = comparison(run, metric, vs=vs, test=test, correction=correction, seeds=seeds)
    return LAYOUTS[format](told)


def text(told: Comparison) -> str:
    """For a terminal."""
    parts = [_text_part(told, part) for part in told.parts]
    if told.across:
        label = max(len(line["row"]) for line in told.across)
        lines = [f"{line['row']:<{label}}  {_mean_rank(line)}" for line in told.across]
        head = f"Mean rank over {told.across[0]['blocks']} blocks"
        notes = wrapped(told.across_notes)
        parts.append("\n".join([head, *(line.rstrip() for line in lines), *notes]))
    elif told.across_notes:
        parts.append("\n".join(wrapped(told.across_notes)))
    return "\n\n".join([*parts, "\n".join(wrapped(told.notes))]) + "\n"


def _text_part(told: Comparison, part: Part) -> str:
    rows = [["Method", spelled(*told.metric), *HEADS]]
    rows += [[line["row"], *_values(line)] for line in part.lines]
    label = min(LABEL, max(len(row[0]) for row in rows))
    widths = [max(len(row[at]) for row in rows) for at in range(1, len(rows[0]))]
    wide = label + sum(widths) + 2 * len(widths)
    gap = 2 if wide <= WIDTH else 1
    lines = []
    for name, *values in rows:
        cells = [value.rjust(width) for value, width in zip(values, widths, strict=True)]
        start = f"{name:<{label}}" if len(name) <= label else f"{name}\n{' ' * label}"
        lines.append((" " * gap).join([start, *cells]).rstrip())
    rule = "-" * (label + sum(widths) + gap * len(widths))
    head = f"{part.dataset} · {part.backbone} · against {told.vs}"
    return "\n".join([head, rule, lines[0], rule, *lines[1:], rule, *wrapped(part.notes)])


def markdown(told: Comparison) -> str:
    """For a README or an issue: one table a block."""
    parts = []
    heads = ["Method", spelled(*told.metric), *HEADS]
    for part in told.parts:
        rows = [[escaped(line["row"]), *map(escaped, _values(line))] for line in part.lines]
        head = f"### {escaped(part.dataset)} · {escaped(part.backbone)}"
        parts.append("\n".join([head, "", *_pipes(heads, rows), "", *_bullets(part.notes)]))
    if told.across:
        rows = [[escaped(line["row"]), escaped(_mean_rank(line))] for line in told.across]
        head = f"### Mean rank over {told.across[0]['blocks']} blocks"
        table = _pipes(["Method", "mean rank"], rows)
        parts.append("\n".join([head, "", *table, "", *_bullets(told.across_notes)]))
    elif told.across_notes:
        parts.append("\n".join(_bullets(told.across_notes)))
    return "\n\n".join([*parts, "\n".join(_bullets(told.notes))]) + "\n"


def _pipes(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = [":--", *(["--:"] * (len(heads) - 1))]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows)]


def _bullets(notes: Sequence[str]) -> list[str]:
    return [f"- {escaped(note)}" for note in notes]


def _values(line: Line) -> list[str]:
    """The cells of a row after its name, as readers see them."""
    base = line["verdict"] == "baseline" or line["verdict"] == ""
    rank = f"{line['rank']:g} ({line['rank_low']:g}-{line['rank_high']:g})"
    tested = ["-"] * 6 if base else _tested(line)
    return [
        number(line["mean"]),
        *tested,
        line["verdict"] or "-",
        f"{'-' if isnan(line['rank']) else rank} {'=' if line['tied'] else ' '}",
    ]


def _tested(line: Line) -> list[str]:
    effect = f"{line['effect']:+.2f} [{line['effect_low']:.2f}, {line['effect_high']:.2f}]"
    return [
        f"{line['difference']:+.4f}",
        "-" if isnan(line["relative"]) else f"{100 * line['relative']:+.1f}",
        "-" if isnan(line["effect"]) else effect,
        f"{line['wins']:.0f}/{line['ties']:.0f}/{line['losses']:.0f}",
        _p(line["p"]),
        _p(line["p_corrected"]),
    ]


def _p(value: float) -> str:
    return "-" if isnan(value) else "<.001" if value < 0.001 else f"{value:.3f}"


def _mean_rank(line: Line) -> str:
    return f"{line['mean_rank']:.2f}{' =' if line.get('tied') else ''}"


def comma_separated(told: Comparison) -> str:
    """For a program: one line a row with all figures, exact, without notes."""
    lines = [line for part in told.parts for line in part.lines]
    procedure = told.procedure
    frame = pd.DataFrame(lines).assign(
        test=procedure.test, correction=procedure.correction, seeds_as=procedure.seeds
    )
    return frame.to_csv(index=False, lineterminator="\n")


def as_json(told: Comparison) -> str:
    """For a program, with the notes; numbers that JSON lacks become null."""
    procedure = told.procedure
    test = told.test
    page = {
        "metric": f"{told.metric[0]}@{told.metric[1]}",
        "vs": told.vs,
        "test": procedure.test,
        "correction": procedure.correction,
        "seeds_as": procedure.seeds,
        "alpha": procedure.alpha,
        "blocks": [
            {
                "dataset": part.dataset,
                "backbone": part.backbone,
                "rows": [_jsonable(line) for line in part.lines],
                "notes": part.notes,
            }
            for part in told.parts
        ],
        "across": {
            "rows": [_jsonable(line) for line in told.across],
            "friedman": _jsonable(
                {name: getattr(test, name) for name in ("blocks", "chi2", "p", "f", "p_f")}
                | {"critical_difference": test.critical}
            )
            if test
            else None,
            "notes": told.across_notes,
        },
        "notes": told.notes,
    }
    return json.dumps(page, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _jsonable(line: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        value = value.item() if hasattr(value, "item") else value
        return None if isinstance(value, float) and not isfinite(value) else value

    return {name: plain(value) for name, value in line.items()}


LAYOUTS: dict[str, Callable[[Comparison], str]] = {
    "text": text,
    "md": markdown,
    "csv": comma_separated,
    "json": as_json,
}
