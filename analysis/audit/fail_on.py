"""Conditions on the columns of an audit, for a pipeline: `arp>90,coverage<0.3`.

A condition fails every row for which it holds, and every row that has no value: what was not
measured does not pass. A column is named by its field, as `arp@20`, without its K, or by its header
as printed, as `rel. ARP`; a percentage may be written as one, as `fnr>5%`.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from negbench.errors import UserError, did_you_mean

from ..number_format import counted
from ..runs.frames import REFERENCE
from ..tables.audit import Audit
from ..tables.table import Column

_FORM = re.compile(
    r"\s*(?P<name>[^<>=]+?)\s*(?P<sign><=|>=|<|>)\s*(?P<number>[^\s<>=%]+)(?P<percent>%?)\s*"
)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """One condition, as it was typed and as it is checked."""

    text: str
    column: Column
    sign: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether it holds, so that the row fails."""
        return _SIGNS[self.sign](value, self.limit)


def conditions(text: str, audit: Audit) -> tuple[Condition, ...]:
    """Parse conditions, parted by commas.

    Raises UserError for one that is not NAME, a sign and a number, or for an unknown or ambiguous
    name.
    """
    parts = [part for part in text.split(",") if part.strip()]
    if not parts:
        raise UserError("--fail-on must hold a condition, as 'arp>90,coverage<0.3'; got none")
    return tuple(_condition(part.strip(), audit) for part in parts)


def failures(
    asked: Sequence[Condition],
    audit: Audit,
    rows: Sequence[str] = (),
    lists: Sequence[str] = (),
) -> tuple[list[str], int]:
    """One line for each condition and row that fails, and how many rows were checked.

    Rows are those named, else all but references; `lists` names rows of lists of others, which are
    checked too. Raises UserError if there is none.
    """
    lines = [
        line
        for line in audit.frame.to_dict("records")
        if (line["row"] in (rows or lists) or (not rows and line["kind"] != REFERENCE))
    ]
    if not lines:
        raise UserError(
            "--fail-on checks methods, and this audit has references alone; name a row with "
            "--method"
        )
    return [text for each in asked for line in lines if (text := _failure(each, line))], len(lines)


def _failure(condition: Condition, line: Mapping[Any, Any]) -> str:
    column, value = condition.column, line.get(condition.column.field)
    where = f"{line['row']} ({line['dataset']}, {line['backbone']})"
    what = f"{column.field} ({column.description})" if column.description else column.field
    if value is None or isnan(float(value)):
        return f"{where}: {what} has no value, so {condition.text} cannot be passed"
    if not condition.holds(float(value)):
        return ""
    seeds = int(line["seeds"])
    mean = f", the mean of {counted(seeds, 'seed')}," if seeds > 1 else ""
    return f"{where}: {what} is {float(value):.6g}{mean} and fails by {condition.text}"


def _condition(part: str, audit: Audit) -> Condition:
    match = _FORM.fullmatch(part)
    if match is None:
        raise UserError(
            f"a condition of --fail-on must be a column, one of < > <= >=, and a number, as "
            f"arp>90; got {part!r}"
        )
    try:
        limit = float(match["number"]) / (100 if match["percent"] else 1)
    except ValueError:
        limit = float("nan")
    if isnan(limit):
        raise UserError(f"a condition of --fail-on must end in a number; got {part!r}")
    return Condition(part, _column(match["name"], audit), match["sign"], limit)


def _column(name: str, audit: Audit) -> Column:
    columns = [column for group in audit.groups for column in group.columns]
    word, k = name.lower(), f"@{audit.metric.k}"
    by_field = [column for column in columns if word in (column.field, column.field.replace(k, ""))]
    by_header = [column for column in columns if column.header.lower() == word]
    named = by_field or by_header
    if len({column.field for column in named}) > 1:
        fields = " and ".join(column.field for column in named)
        raise UserError(f"--fail-on: {name!r} could be {fields}; write one of these")
    if not named:
        known = list(dict.fromkeys(column.field.replace(k, "") for column in columns))
        raise UserError(
            f"--fail-on needs a column of the audit; got {name!r}; {did_you_mean(word, known)}"
        )
    return named[0]
