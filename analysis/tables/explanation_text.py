"""Layouts of an explanation: text for a screen of 110 columns, csv and JSON."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import floor, isfinite, log10
from typing import Any

from negbench.errors import UserError, did_you_mean

from ..number_format import counted
from .explanation import Explanation, Line
from .main_table_text import WIDTH, wrapped

NUMBERS, FALSE = 45, "  FALSE"
"""Letters before and between the titles of a line, and what ends it."""
CSV = (
    *("dataset", "backbone", "method", "seed", "part", "group", "user", "positive"),
    *("positive_name", "negative", "negative_name", "value", "low", "high", "hardness"),
    *("epoch", "false", "n", "users"),
)


def render(told: Explanation, format: str = "text") -> str:
    """The explanation as text, csv or json."""
    known = list(LAYOUTS)
    if format not in known:
        raise UserError(
            f"a format of explanations must be one of {', '.join(known)}; got {format!r}; "
            f"{did_you_mean(format, known)}"
        )
    return LAYOUTS[format](told)


def text(told: Explanation) -> str:
    """For a terminal."""
    where = told.where
    whose = "all users" if told.user is None else f"user {told.user}"
    first, last = told.epochs
    when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    head = (
        f"{where['dataset']} · {where['backbone']} · {where['method']} · seed {where['seed']}   "
        f"{whose}: {counted(told.n, 'triplet')} valued, {when}"
    )
    power = _power([line["value"] for line in (*told.helpful, *told.harmful)])
    parts = [head, _lines("most helpful", told.helpful, power, told.user is None)]
    parts += [_lines("most harmful", told.harmful, power, told.user is None)]
    parts += [_averages(told.averages)] if told.averages else []
    return "\n\n".join([*parts, "\n".join(wrapped(_notes(told)))]) + "\n"


def _lines(title: str, lines: Sequence[Line], power: int, whose: bool) -> str:
    if not lines:
        return f"{title}: none"
    width = max([len("user"), *(len(str(line["user"])) for line in lines)])
    head = f"{'value':>6}  {'95 % interval':^16}  {'epoch':>5}  {'hardness':>8}"
    head += f"  {'user':{width}}" if whose else ""
    room = max(12, (WIDTH - NUMBERS - len(FALSE) - (width + 2 if whose else 0)) // 2)
    rows = [f"{head}  {'likes':{room}}  rather than"]
    for line in lines:
        row = f"{_scaled(line['value'], power):>6}  {_interval(line, power):^16}"
        row += f"  {line['epoch']:>5}  {_short(line['hardness']):>8}"
        row += f"  {line['user']!s:{width}}" if whose else ""
        liked, other = (_title(line, what, room) for what in ("positive", "negative"))
        row += f"  {liked:{room}}  {other}{FALSE if line['false'] else ''}"
        rows.append(row.rstrip())
    return "\n".join([f"{title}, {_unit(power)}", *rows])


def _averages(lines: Sequence[Line]) -> str:
    power = _power([line["mean"] for line in lines])
    rows = [f"{'mean':>7}  {'95 % interval':^18}  {'triplets':>10}  {'users':>7}  of"]
    for line in lines:
        said = {
            "all": "all triplets",
            "band": f"negatives of the {line['group']}",
            "truth": f"{line['group']} negatives",
        }[line["by"]]
        rows.append(
            f"{_scaled(line['mean'], power, 3):>7}  {_interval(line, power, 3):^18}  "
            f"{line['n']:>10,}  "
            f"{line['users']:>7,}  {said}"
        )
    return "\n".join([f"on average, {_unit(power)}", *rows])


def _notes(told: Explanation) -> list[str]:
    notes = [
        "Value: what the triplet took off the loss that it was valued by; above zero it helped. "
        "Its interval is its own: the extremes of many values lie farther out than if valued again."
    ]
    if told.averages:
        notes.append("Intervals of means: users as the sample.")
    more = "" if told.exact else "; further ones may be false and nobody knows"
    notes.append(f"FALSE: the negative is a held-out positive of the user{more}.")
    if isfinite(told.auc):
        notes.append(
            f"A false negative has a lower value than another with chance {told.auc:.3f} "
            "(AUC; 0.5 is blind)."
        )
    return notes


def _power(values: Sequence[float]) -> int:
    """The power of ten of the greatest value: one for all lines, so that they compare."""
    greatest = max((abs(value) for value in values), default=0.0)
    return floor(log10(greatest)) if greatest > 0 else 0


def _unit(power: int) -> str:
    return f"in units of 1e{power}" if power else "as they are"


def _scaled(value: float, power: int, digits: int = 2) -> str:
    return f"{value / 10.0**power:+.{digits}f}"


def _interval(line: Line, power: int, digits: int = 2) -> str:
    if not isfinite(line["low"]):
        return "-"
    return f"{_scaled(line['low'], power, digits)} to {_scaled(line['high'], power, digits)}"


def _short(value: float) -> str:
    return f"{value:.3g}" if isfinite(value) else "-"


def _title(line: Line, what: str, room: int) -> str:
    """The item's title, or its id where the data have none, cut to the room there is."""
    said = " ".join(str(line[f"{what}_name"] or line[what]).split())
    return said if len(said) <= room else f"{said[: room - 1]}…"


def comma_separated(told: Explanation) -> str:
    """One line a triplet (`part` helpful or harmful) or average (`part` all, band or truth)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV, restval="", lineterminator="\n")
    writer.writeheader()
    for part, lines in (("helpful", told.helpful), ("harmful", told.harmful)):
        writer.writerows({**told.where, "part": part, **_plain(line)} for line in lines)
    for line in told.averages:
        rest = {name: line[name] for name in ("group", "low", "high", "n", "users")}
        writer.writerow({**told.where, "part": line["by"], "value": line["mean"], **_plain(rest)})
    return out.getvalue()


def as_json(told: Explanation) -> str:
    """Everything, with null for what is not known."""
    plain = {name: _tree(value) for name, value in asdict(told).items()}
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _tree(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tree(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_tree(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _plain(line: Line) -> Line:
    return {
        name: "" if isinstance(value, float) and not isfinite(value) else value
        for name, value in line.items()
    }


LAYOUTS: dict[str, Callable[[Explanation], str]] = {
    "text": text,
    "csv": comma_separated,
    "json": as_json,
}
