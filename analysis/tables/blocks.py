"""Blocks of a table: the rows of one data set and backbone, references in a group below.

References compete for every mark; they stand apart because no sampler touches them.
"""

from collections.abc import Iterable
from math import isnan
from typing import Any, TypeVar

import pandas as pd

from ..runs.frames import REFERENCE

Where = tuple[str, str]
"""A data set and a backbone."""
Key = tuple[str, str, str]
"""A data set, a backbone and a row."""
T = TypeVar("T")


def by_row(frame: pd.DataFrame) -> dict[Key, dict[str, Any]]:
    """The records of a frame by data set, backbone and row."""
    records = [{str(name): v for name, v in line.items()} for line in frame.to_dict("records")]
    return {(line["dataset"], line["backbone"], line["row"]): line for line in records}


def by_block(rows: Iterable[tuple[Where, T]]) -> dict[Where, list[T]]:
    """The rows of each data set and backbone, each with the references of its data set."""
    pairs = list(rows)
    blocks: dict[Where, list[T]] = {}
    for where, row in pairs:
        if where[1] != REFERENCE:
            blocks.setdefault(where, []).append(row)
    for where, row in pairs:
        if where[1] == REFERENCE:
            for block in [key for key in blocks if key[0] == where[0]] or [where]:
                blocks.setdefault(block, []).append(row)
    return dict(sorted(blocks.items()))


def place_in_block(
    kind: str, value: float, label: str, *, warm_up_only: bool = False
) -> tuple[bool, bool, bool, float, str]:
    """Sort key of a row: methods by falling value, those without one behind, references last.

    Behind all other methods stand those that never left their warm-up: they were not themselves.
    """
    unknown = isnan(value)
    return kind == REFERENCE, warm_up_only, unknown, 0.0 if unknown else -value, label
