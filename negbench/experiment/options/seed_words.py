"""Seeds as users write them: how many, a range, or a list."""

import re
from numbers import Integral
from typing import Any

from negbench.errors import UserError, shown

_SPAN = re.compile(r"(\d+)\s*-\s*(\d+)")
MOST_SEEDS = 100
"""A single number above is more likely the name of one seed, as 2020, than a count of seeds."""


def seeds(value: Any, key: str) -> tuple[int, ...]:
    """A number N is the seeds 0 to N-1; `0-9` a range (`7-7` is seed 7); `4,7` a list.

    Raises UserError for anything else, and for a number that was hardly meant as a count.
    """
    del key
    if isinstance(value, Integral) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, range):
        value = list(value)
    if isinstance(value, str) and value.strip().isdecimal():
        numbers = list(range(_count(int(value))))
    else:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            parts = [parts]
        numbers = [seed for part in parts for seed in _span(part)]
    if not numbers:
        raise UserError(
            f"--seeds must name at least one seed; got {shown(value)}; write 3 for 0, 1, 2"
        )
    return tuple(dict.fromkeys(numbers))


def _count(number: int) -> int:
    if number > MOST_SEEDS:
        raise UserError(
            f"--seeds {number} would be {number:,} trainings a row, the seeds 0 to {number - 1}; "
            f"write {number}-{number} for the seed {number} alone, or 0-{number - 1} for all"
        )
    return number


def _span(part: Any) -> list[int]:
    text = str(part).strip() if isinstance(part, Integral | str) else ""
    if not isinstance(part, bool) and text.isdecimal():
        return [int(text)]
    if (span := _SPAN.fullmatch(text)) and int(span[1]) <= int(span[2]):
        return list(range(int(span[1]), int(span[2]) + 1))
    raise UserError(f"--seeds must be a number, a range 0-9 or a list 4,7; got {shown(part)}")
