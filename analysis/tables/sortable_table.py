"""Sheets: the tables of the page as values, so that one macro lays all of them out.

Each value carries what it says and what a column is sorted by; where nothing was measured it says
"-" and has nothing to sort by, so it stays last. A column without any measured value is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from ..number_format import number

Told = Mapping[str, Any]
"""A line of a frame."""


@dataclass(frozen=True)
class Head:
    """The head of a column, the line's field that it shows, and how a number of it is said."""

    says: str
    field: str
    form: Callable[[float], str] = number
    title: str = ""
    """What the head means, where the word alone would not tell."""


@dataclass(frozen=True)
class Value:
    """One place of a sheet."""

    says: str
    sort: str = ""
    """What it is sorted by; empty where there is nothing."""
    spread: str = ""
    best: bool = False
    mark: str | None = None
    """A mark behind it; an empty one keeps its room."""


@dataclass(frozen=True)
class Sheet:
    """A table: methods, and the references that stay a group of their own."""

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Value, ...], ...]
    guards: tuple[tuple[Value, ...], ...] = ()

    @property
    def textual(self) -> tuple[bool, ...]:
        """Which columns hold words and are sorted by letters; all others by size."""
        lines = (*self.rows, *self.guards)
        return tuple(
            any(line[at].sort and not _is_number(line[at].sort) for line in lines) or not at
            for at in range(len(self.heads))
        )


def sheet(
    caption: str, heads: Sequence[Head], rows: Sequence[Told], guards: Sequence[Told] = ()
) -> Sheet | None:
    """A sheet of these lines; None where no column but the first holds anything."""
    lines = [*rows, *guards]
    kept = [h for at, h in enumerate(heads) if not at or any(_known(line, h) for line in lines)]
    if len(kept) < 2:
        return None
    laid = [tuple(value(line, head) for head in kept) for line in lines]
    return Sheet(caption, tuple(kept), tuple(laid[: len(rows)]), tuple(laid[len(rows) :]))


def value(line: Told, head: Head) -> Value:
    """What a line says under a head, with the spread or the interval of it where there is one."""
    if not _known(line, head):
        return Value("-")
    found = line[head.field]
    if isinstance(found, str):
        return Value(found, found)
    return Value(head.form(float(found)), sortable(float(found)), _spread(line, head))


def sortable(value: float) -> str:
    """A number as the page's script reads it; empty where there is none."""
    if isnan(value):
        return ""
    return repr(value) if isfinite(value) else "-Infinity" if value < 0 else "Infinity"


def _spread(line: Told, head: Head) -> str:
    """`<field>_std` as a spread over seeds, or `<field>_low` and `_high` as an interval."""
    std, low, high = (line.get(f"{head.field}_{end}") for end in ("std", "low", "high"))
    if std is not None and not isnan(std):
        return f"± {head.form(float(std)).removeprefix('+')}"
    if low is not None and high is not None and not isnan(low) and not isnan(high):
        return f"[{head.form(float(low))}, {head.form(float(high))}]"
    return ""


def rounded(value: float) -> str:
    """A count: 1,234."""
    return f"{value:,.0f}"


def one_digit(value: float) -> str:
    """A rank or a number of epochs: 1.5, or 2."""
    return f"{value:.1f}".removesuffix(".0")


def times(value: float) -> str:
    """A ratio: 1.23 x."""
    return f"{value:.2f} x"


def two_digits(value: float) -> str:
    """A number near 1: 1.23."""
    return f"{value:.2f}"


def signed(value: float) -> str:
    """A difference of metrics: +0.0123."""
    return f"{value:+.4f}"


def signed_percent(value: float) -> str:
    """A relative difference: +1.2 %."""
    return f"{100 * value:+.1f} %"


def p_value(value: float) -> str:
    """A p value: 0.012, or < 0.001."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _known(line: Told, head: Head) -> bool:
    found = line.get(head.field)
    return not (found is None or found == "" or (isinstance(found, float) and isnan(found)))


def _is_number(said: str) -> bool:
    try:
        float(said)
    except ValueError:
        return False
    return True
