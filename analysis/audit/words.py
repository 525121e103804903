"""Numbers of an audit as words: shares, points, intervals, directions."""

from collections.abc import Callable
from math import isnan

from ..number_format import fixed, number
from .intervals import Estimate


def percent(value: float) -> str:
    """A share in whole percent, never rounded to none or all: 42 %, under 1 %."""
    if isnan(value):
        return "-"
    if 0 < value < 0.01:
        return "under 1 %"
    if 0.99 < value < 1:
        return "over 99 %"
    return f"{100 * value:.0f} %"


def points(value: float) -> str:
    """A difference of two shares in percentage points: +8.5."""
    return "-" if isnan(value) else f"{round(100 * value, 1) + 0.0:+.1f}"


def fine(value: float) -> str:
    """A small share with two decimals, and more for one that would read as none: 0.44 %."""
    return "-" if isnan(value) else f"{fixed(100 * value, 2)} %"


def times(value: float) -> str:
    """A ratio: 1.22; one above 0 is never 0.00."""
    return "-" if isnan(value) else fixed(value, 2)


def signed(value: float) -> str:
    """A difference of a metric: +0.0101."""
    return "-" if isnan(value) else f"{round(value, 4) + 0.0:+.4f}"


def interval(estimate: Estimate, form: Callable[[float], str] = number) -> str:
    """The interval in brackets: (95 %: 0.0245 to 0.0290); says so where there is none."""
    if isnan(estimate.low):
        return "(no interval)"
    return f"(95 %: {form(estimate.low)} to {form(estimate.high)})"


def covers(n_seeds: int) -> str:
    """What an interval covers."""
    if n_seeds > 1:
        return f"over users and {n_seeds} seeds"
    return "over users alone"
