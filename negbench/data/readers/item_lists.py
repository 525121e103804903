"""Session files: a column of items in order beside the user, as RecBole's `item_id_list`.

The list is the history and the item column, where there is one, the target that follows it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.readers.identifiers import BLANKS, LIST, MISSING

NAMES = (
    "item_id_list item_list items item_ids item_seq item_sequence item_id_seq sequence history"
    " item_history"
).split()
PARTING = re.compile(r"[\s,;|]+")
BRACKETS = "[](){}" + BLANKS


@dataclass(frozen=True, eq=False)
class Expanded:
    """The rows of a session file, one per item: the row it comes from, and its item, in order."""

    rows: NDArray[np.int64]
    items: list[str]
    history: NDArray[np.bool_]
    """Whether the item stands in the list, not in the column of targets, [n]."""


def list_column(header: Sequence[str], plain: Sequence[str], sample: Sequence[list[str]]) -> int:
    """The column of lists, by RecBole's type `_seq`, or a usual name and what it holds; else -1."""
    for at, name in enumerate(header):
        if name.strip().endswith(":token_seq") and "item" in name.lower():
            return at
    for at, name in enumerate(plain):
        if name.lower().replace(" ", "_") in NAMES:
            cells = [row[at].strip(BLANKS) for row in sample if at < len(row)]
            full = [cell for cell in cells if cell]
            if name.lower() == "item_id_list" or any(LIST.fullmatch(cell) for cell in full):
                return at
    return -1


def expanded(lists: "pd.Series[Any]", targets: "pd.Series[Any] | None") -> Expanded:
    """Every item of every list in order, each list followed by its target."""
    rows: list[int] = []
    items: list[str] = []
    history: list[bool] = []
    last = lists if targets is None else targets
    for row, (cell, target) in enumerate(zip(lists.tolist(), last.tolist(), strict=True)):
        words = _words(cell)
        before = len(words)
        if targets is not None:
            words.append(str(target))
        elif words and words[0] in MISSING:
            continue
        rows += [row] * len(words)
        items += words
        history += [targets is not None] * before + [False] * (len(words) - before)
    return Expanded(np.array(rows, np.int64), items, np.array(history, bool))


def _words(cell: Any) -> list[str]:
    """The items of a cell: of an array, or of text with blanks, commas or brackets."""
    if cell is None or isinstance(cell, float):
        return []
    if not isinstance(cell, str):
        return [str(each) for each in cell]
    return [each.strip("\"'") for each in PARTING.split(cell.strip(BRACKETS)) if each]


def typed_list_column(header: Sequence[str], firsts: Sequence[Any], item: str | None) -> int:
    """The column whose cells are arrays and whose name is that of a list, or `item`; else -1."""
    for at, (name, first) in enumerate(zip(header, firsts, strict=True)):
        if isinstance(first, list | tuple | np.ndarray) and (name == item or name.lower() in NAMES):
            return at
    return -1
