"""Whether the data of a published leaderboard are what its runs give."""

import json
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import Any

from negbench.errors import UserError

from .block_rows import Values

TOLERANCE = 1e-6
"""The same numbers may differ in their last bits on another machine."""
OF_THE_WRITER = ("negbench",)
"""What says who wrote the page, and not what it shows."""


def differences(published: Path, data: Values) -> list[str]:
    """One line for each place where the file says other than `data`; empty if none.

    Raises UserError if the file is no data of a leaderboard.
    """
    try:
        known = json.loads(published.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"the data of a leaderboard must be JSON; {published} is not ({error}); make it again"
        ) from error
    if not isinstance(known, dict) or "blocks" not in known:
        raise UserError(f"{published} must hold the blocks of a leaderboard; make it again")
    kept = [{k: v for k, v in each.items() if k not in OF_THE_WRITER} for each in (known, data)]
    return list(_differences("", *kept))


def _differences(place: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            yield from _differences(f"{place}.{name}".lstrip("."), one.get(name), other.get(name))
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{place}: {len(one)} there, {len(other)} by these runs"
        for at, pair in enumerate(zip(one, other, strict=False)):
            yield from _differences(f"{place}{_named(at, *pair)}", *pair)
    elif not _equal(one, other):
        yield f"{place}: {_short(one)} there, {_short(other)} by these runs"


def _named(at: int, one: Any, other: Any) -> str:
    """The place in a list: a row by its label where both have it."""
    names = [each.get("row") if isinstance(each, dict) else None for each in (one, other)]
    return f"[{names[0]}]" if names[0] and names[0] == names[1] else f"[{at}]"


def _equal(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE / 1e3)
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
