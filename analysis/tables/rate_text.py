"""Rates of rare events as text: never with more digits than their counts bear."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Any

from ..measures.rare_rates import known
from ..number_format import percent
from ..runs.notes import Note

NAN = float("nan")
Record = Mapping[str, Any]


def rate_text(line: Record, field: str, format: Callable[[float], str] = percent) -> str:
    """A rate of a record with its `_low` and `_high`: 6.10 %, or 0.13 ± 0.04 %.

    The margin is left out where the rate is known to 10 %, or its counts were not kept. Of a few
    events the interval is lopsided and stands alone: 0.05 to 0.67 %, or < 0.09 % where there were
    none.
    """
    rate, low, high = _of(line, field)
    if isnan(low) or isnan(high) or known(rate, low, high):
        return format(rate)
    if rate == 0:
        return f"< {format(high)}"
    margin = (high - low) / 2
    first, between, second = (rate, "±", margin) if margin <= rate / 2 else (low, "to", high)
    return f"{format(first).removesuffix(' %')} {between} {format(second)}"


def margin_note(lines: Iterable[Record], fields: Sequence[str]) -> list[Note]:
    """What the margins mean, where any rate has one, and that some rates have no counts."""
    values = [_of(line, field) for line in lines for field in fields]
    values = [(rate, low, high) for rate, low, high in values if not isnan(rate)]
    counted = [each for each in values if not isnan(each[1])]
    texts = []
    if any(not known(*each) for each in counted):
        texts.append(
            "±: half the 95 % interval of the count (Korn-Graubard, rows as clusters; one negative "
            "a row: Clopper-Pearson), given where that is more than 10 % of the value; a to b: the "
            "interval, where half of it is more than half the value; <: none was met, and its end."
        )
    if len(counted) < len(values):
        texts.append(
            "How well false-negative rates are known was not recorded for cells of an older "
            "negbench."
        )
    return [Note("rates", text) for text in texts]


def _of(line: Record, field: str) -> tuple[float, float, float]:
    rate, low, high = (line.get(f"{field}{end}", NAN) for end in ("", "_low", "_high"))
    return rate, low, high
