"""Ranges of searched settings: where a value lies, whether at an edge, the range in words.

The kinds are those of a card's `search`: int and float, uniform from low to high; log, uniform in
the logarithm; of, a list. `zero` is the share of points that are exactly 0, a point of its own.
"""

import math
from collections.abc import Sequence
from typing import Any

EDGE = 0.1
"""The share of a range at either end where a winner is flagged: the best may lie outside."""


def place(kind: str, values: Sequence[Any], value: Any, zero: float = 0.0) -> float | None:
    """Where a value lies in its range, from 0 to 1.

    None for an entry of a list, and for 0 where 0 is a point of its own.
    """
    if kind == "of" or not _is_number(value) or (zero and value == 0):
        return None
    low, high = values
    if kind == "log":
        if value <= 0:
            return -math.inf
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return float((value - low) / (high - low))


def at_edge(kind: str, values: Sequence[Any], value: Any, zero: float = 0.0) -> bool:
    """Whether a value lies in the outer tenth of its range, or is an end of an ordered list."""
    if kind == "of":
        ends = (min(values), max(values)) if all(map(_is_number, values)) else ()
        return len(values) > 2 and value in ends
    at = place(kind, values, value, zero)
    return at is not None and not EDGE <= at <= 1 - EDGE


def in_words(kind: str, values: Sequence[Any], zero: float = 0.0) -> str:
    """A range for tables: `log [0.0001, 0.1]`, `{2, 4, 8}`."""
    if kind == "of":
        return "{" + ", ".join(map(str, values)) + "}"
    mass = f", or 0 ({zero:.0%})" if zero else ""
    return f"{kind} [{values[0]:g}, {values[1]:g}]{mass}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
