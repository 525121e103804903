"""Layouts of an explanation: text for a screen of 100 columns, csv and JSON."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import floor, isfinite, log10

import pandas as pd

from ..number_format import counted
from ..runs.notes import Note
from .explanation import Explanation, Line
from .render import WIDTH, as_json, comma_separated, plain, require_format, text
from .table import Column, Table, text_rows

NUMBERS, FALSE = 45, "  FALSE"
"""Letters before and between the titles of a line, and what ends it."""
CSV = (
    *("dataset", "backbone", "method", "seed", "part", "group", "user", "positive"),
    *("positive_name", "negative", "negative_name", "value", "low", "high", "hardness"),
    *("epoch", "false", "n", "users"),
)


def render(values: Explanation, format: str = "text") -> str:
    """The explanation as text, csv or json.

    Raises UserError if the format is unknown.
    """
    require_format("a format of explanations", format, LAYOUTS)
    return LAYOUTS[format](values)


def tables(values: Explanation) -> list[Table]:
    """The heading, the triplets that helped and harmed most, the averages, and the notes."""
    where = values.where
    whose = "all users" if values.user is None else f"user {values.user}"
    first, last = values.epochs
    when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    heading = (
        f"{where['dataset']} · {where['backbone']} · {where['method']} · seed {where['seed']}   "
        f"{whose}: {counted(values.n, 'triplet')} valued, {when}"
    )
    power = _power([line["value"] for line in (*values.helpful, *values.harmful)])
    return [
        Table(heading),
        _triplets("most helpful", values.helpful, power, values.user is None),
        _triplets("most harmful", values.harmful, power, values.user is None),
        *([_averages(values.averages)] if values.averages else []),
        Table(notes=_notes(values)),
    ]


def _triplets(title: str, lines: Sequence[Line], power: int, all_users: bool) -> Table:
    if not lines:
        return Table(f"{title}: none")
    width = max([len("user"), *(len(str(line["user"])) for line in lines)])
    room = max(12, (WIDTH - NUMBERS - len(FALSE) - (width + 2 if all_users else 0)) // 2)
    columns: dict[Column, Callable[[Line], str]] = {
        Column("value", width=6): lambda line: _scaled(line["value"], power),
        Column("95 % interval", align="^", width=16): lambda line: _interval(line, power),
        Column("epoch", width=5): lambda line: str(line["epoch"]),
        Column("hardness", width=8): lambda line: _short(line["hardness"]),
        Column("user", align="<", width=width): lambda line: str(line["user"]),
        Column("likes", align="<", width=room): lambda line: _title(line, "positive", room),
        Column("rather than", align="<"): lambda line: (
            f"{_title(line, 'negative', room)}{FALSE if line['false'] else ''}"
        ),
    }
    if not all_users:
        columns = {column: write for column, write in columns.items() if column.header != "user"}
    return _table(title, power, columns, lines)


def _averages(lines: Sequence[Line]) -> Table:
    power = _power([line["mean"] for line in lines])
    groups = {"all": "all triplets", "band": "negatives of the {}", "truth": "{} negatives"}
    columns: dict[Column, Callable[[Line], str]] = {
        Column("mean", width=7): lambda line: _scaled(line["mean"], power, 3),
        Column("95 % interval", align="^", width=18): lambda line: _interval(line, power, 3),
        Column("triplets", width=10): lambda line: f"{line['n']:,}",
        Column("users", width=7): lambda line: f"{line['users']:,}",
        Column("of", align="<"): lambda line: groups[line["by"]].format(line["group"]),
    }
    return _table("on average", power, columns, lines)


def _table(
    title: str, power: int, columns: dict[Column, Callable[[Line], str]], lines: Sequence[Line]
) -> Table:
    unit = f"in units of 1e{power}" if power else "as they are"
    return Table(f"{title}, {unit}", tuple(columns), text_rows(columns, lines), rules=False)


def _notes(values: Explanation) -> tuple[Note, ...]:
    texts = [
        "Value: what the triplet took off the loss that it was valued by; above zero it helped. "
        "Its interval is its own: the extremes of many values lie farther out than if valued again."
    ]
    if values.averages:
        texts.append("Intervals of means: users as the sample.")
    more = "" if values.exact else "; further ones may be false and nobody knows"
    texts.append(f"FALSE: the negative is a held-out positive of the user{more}.")
    texts += values.caveats
    if isfinite(values.auc):
        texts.append(
            f"A false negative has a lower value than another with chance {values.auc:.3f} "
            "(AUC; 0.5 is blind)."
        )
    return tuple(Note("legend", text) for text in texts)


def _power(values: Sequence[float]) -> int:
    """The power of ten of the greatest value: one for all lines, so that they compare."""
    greatest = max((abs(value) for value in values), default=0.0)
    return floor(log10(greatest)) if greatest > 0 else 0


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
    title = " ".join(str(line[f"{what}_name"] or line[what]).split())
    return title if len(title) <= room else f"{title[: room - 1]}…"


def _frame(values: Explanation) -> pd.DataFrame:
    """One line a triplet (`part` helpful or harmful) or average (`part` all, band or truth)."""
    lines = [
        {**values.where, "part": part, **line}
        for part, triplets in (("helpful", values.helpful), ("harmful", values.harmful))
        for line in triplets
    ]
    for line in values.averages:
        rest = {name: line[name] for name in ("group", "low", "high", "n", "users")}
        lines.append({**values.where, "part": line["by"], "value": line["mean"], **rest})
    # As objects, so that an integer stays one in a column that other lines leave empty.
    return pd.DataFrame(plain(lines), columns=list(CSV), dtype=object)


LAYOUTS: dict[str, Callable[[Explanation], str]] = {
    "text": lambda values: text(tables(values)),
    "csv": lambda values: comma_separated(_frame(values)),
    "json": lambda values: as_json(asdict(values)),
}
