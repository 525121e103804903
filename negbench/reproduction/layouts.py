"""Tables of reproductions: text, Markdown, csv and json."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.reproduction.comparison import Comparison, Line
from negbench.reproduction.experiments import OURS, THEIRS
from negbench.reproduction.measured import Measured
from negbench.reproduction.order import Order
from negbench.reproduction.targets import CHOSEN, UPPER

FORMATS = ("text", "md", "csv", "json")
HEADS = ("row", "chosen", "published", "theirs", "difference", "verdict", "ours")
PROTOCOL = {THEIRS: "under their protocol", OURS: "under our protocol"}


def render(blocks: Sequence[Comparison], format: str = "text") -> str:
    """The tables of these blocks. Raises UserError for an unknown format."""
    if format == "csv":
        return _csv(blocks)
    if format == "json":
        return json.dumps([_plain(each) for each in blocks], indent=1, ensure_ascii=False)
    if format not in FORMATS:
        raise UserError(f"--format must be one of {', '.join(FORMATS)}; got {format!r}")
    parts = [_text(each) if format == "text" else _markdown(each) for each in blocks]
    return "\n\n".join([*parts, "\n".join(legend(blocks, bullet="- " * (format == "md")))])


def legend(blocks: Sequence[Comparison], bullet: str = "") -> Iterator[str]:
    """What the columns and the marks mean."""
    marks = {line.row.selected for each in blocks for line in each.lines}
    yield (
        f"{bullet}published, theirs (ours under their protocol) and ours (the suite's own protocol)"
        ": mean +- standard deviation over seeds; difference: theirs against published"
    )
    for mark in (each for each in CHOSEN if each in marks):
        upper = "; an upper kind of number, which an honest run need not reach"
        yield f"{bullet}chosen {mark}: {CHOSEN[mark]}{upper if mark in UPPER else ''}"


def _cells(line: Line) -> tuple[str, ...]:
    differences = [line.difference(at) for at in range(len(line.row.values))]
    known = [f"{round(each * 100, 1) + 0.0:+.1f} %" for each in differences if each is not None]
    return (
        line.row.label,
        line.chosen,
        " / ".join(number(value) for value in line.row.values),
        _mean(line.theirs, len(line.row.values)),
        " / ".join(known) or "-",
        line.verdict,
        _mean(line.ours, len(line.row.values)),
    )


def number(value: float) -> str:
    """A metric to four digits, without its leading zero, as publications print it."""
    return f"{value:.4f}".removeprefix("0")


def _mean(values: Measured | None, metrics: int) -> str:
    if values is None:
        return "-"
    text = []
    for at in range(metrics):
        spread = values.spread(at)
        mean = number(values.mean(at))
        text.append(mean if spread is None else f"{mean} +- {number(spread)}")
    seeds = "" if len(values) == 1 else f" ({len(values)} seeds)"
    return " / ".join(text) + seeds


def _head(each: Comparison) -> str:
    passed, done, rows = each.counts
    return f"{passed} of {counted(done, 'result')} reproduced, {counted(rows, 'row')}"


def _text(each: Comparison) -> str:
    block = each.block
    table = [HEADS, *(_cells(line) for line in each.lines)]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEADS))]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    sources = dict.fromkeys(line.row.source for line in each.lines)
    return "\n".join(
        [
            f"{block.name}   {block.title}   {' / '.join(block.metrics)}   {_head(each)}",
            *(f"source {source}" for source in sources),
            *lines,
            *(f"order  {sentence}" for sentence in order_sentences(each)),
            *(f"note   {note}" for note in _notes(each)),
        ]
    )


def _notes(each: Comparison) -> Iterator[str]:
    yield from each.block.notes
    yield from (f"{line.row.label}: {line.row.note}" for line in each.lines if line.row.note)


def order_sentences(each: Comparison) -> Iterator[str]:
    """One sentence for each metric and protocol with results."""
    for protocol, metric, order in each.orders():
        yield f"{metric} {PROTOCOL[protocol]}: {_order(order)}"


def _order(order: Order) -> str:
    if isnan(order.tau):
        return "nothing to order: all rows are printed as equal"
    ties = f", {order.ties} tied as published" if order.ties else ""
    start = f"tau {order.tau:.2f} over {counted(order.pairs, 'pair')}{ties}; "
    if order.holds:
        return start + "the order holds"
    turned = (
        f"{pair.better} > {pair.worse} by {number(pair.published)}, here by -{number(-pair.ours)}"
        for pair in order.turned
    )
    return start + f"{len(order.turned)} turned: {'; '.join(turned)}"


def _markdown(each: Comparison) -> str:
    block = each.block
    rows = [_cells(line) for line in each.lines]
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    sources = dict.fromkeys(line.row.source for line in each.lines)
    return "\n".join(
        [
            f"### {block.name}: {block.title}",
            "",
            f"{' / '.join(block.metrics)}; {_head(each)}. Source: {'; '.join(sources)}.",
            "",
            "| " + " | ".join(HEADS) + " |",
            "|" + " --- |" * len(HEADS),
            *body,
            "",
            *(f"- order, {sentence}" for sentence in order_sentences(each)),
            *(f"- {note}" for note in _notes(each)),
        ]
    )


def _records(each: Comparison) -> Iterator[dict[str, Any]]:
    for line in each.lines:
        for at, metric in enumerate(each.block.metrics):
            yield {
                "block": each.block.name,
                "row": line.row.name,
                "label": line.row.label,
                "selected": line.row.selected,
                "selection": line.selection,
                "metric": metric,
                "published": line.row.values[at],
                **_values("theirs", line.theirs, at),
                "difference": line.difference(at),
                "verdict": line.verdict,
                **_values("ours", line.ours, at),
                "source": line.row.source,
            }


def _values(name: str, values: Measured | None, at: int) -> dict[str, Any]:
    return {
        f"{name}_mean": values and values.mean(at),
        f"{name}_sd": values and values.spread(at),
        f"{name}_seeds": len(values) if values else 0,
    }


def _csv(blocks: Sequence[Comparison]) -> str:
    rows = [row for each in blocks for row in _records(each)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["block"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _plain(each: Comparison) -> dict[str, Any]:
    return {
        "block": each.block.name,
        "title": each.block.title,
        "rows": list(_records(each)),
        "orders": [
            {
                "protocol": protocol,
                "metric": metric,
                "tau": None if isnan(order.tau) else order.tau,
                "pairs": order.pairs,
                "ties": order.ties,
                "turned": [vars(pair) for pair in order.turned],
            }
            for protocol, metric, order in each.orders()
        ],
        "notes": list(_notes(each)),
    }
