"""Panels and pages: a table wider than the line or longer than the page, parted so that all fits.

Sizes are estimates in points, for Computer Modern at 10 points; they are made to be too great
rather than too small.
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby
from math import ceil

LINE = 345.0
"""The line of an article in one column at 10 points, the narrowest that tables are made for."""
PAGE = 535.0
"""The height of its page, less what floats leave free."""
SIZES = {"footnotesize": 4.4, "scriptsize": 3.9, "normalsize": 5.0}
"""Points a letter, by the size of a text."""
HEIGHTS = {"footnotesize": 9.6, "scriptsize": 8.1, "normalsize": 12.0}
"""Points a line."""
HEAD = 4
"""Lines that the head and the rules of a tabular take up."""
_COMMAND = re.compile(r"\\[a-zA-Z]+ ?|[{}$\\]")


def width(latex: str, size: str = "footnotesize") -> float:
    """The width of a piece of LaTeX in points; commands count nothing."""
    return SIZES[size] * len(_COMMAND.sub("", latex))


def height(sentences: Iterable[str], size: str) -> float:
    """The height of a paragraph of the line's width in points."""
    return HEIGHTS[size] * ceil(width(" ".join(sentences), size) / LINE)


def packed(
    widths: Sequence[float], groupings: Sequence[Sequence[Hashable]], room: float
) -> list[list[int]]:
    """The columns of each panel, for this room.

    Columns of one key stay together; `groupings` are the keys of the columns, the ones to try first
    in front. A column that is wider than the room has a panel of its own.
    """
    columns = range(len(widths))
    units = [[at] for at in columns]
    for keys in groupings:
        groups = [list(group) for _, group in groupby(columns, key=keys.__getitem__)]
        if all(sum(widths[at] for at in group) <= room for group in groups):
            units = groups
            break
    return _filled(units, widths, room)


def pages(
    panels: Sequence[list[int]], lines: Sequence[Sequence[int]], taken: float, size: str
) -> list[list[tuple[list[int], list[int]]]]:
    """The floats of a table: each a list of panels with the places of their rows.

    `lines` are how many lines each row of each panel takes up, `taken` the points of the caption
    and the notes of every float. All panels stand in one float if they fit.
    """
    room = max((PAGE - taken) / HEIGHTS[size], 3 * HEAD)
    if sum(HEAD + sum(each) for each in lines) <= room:
        return [
            [(panel, list(range(len(each)))) for panel, each in zip(panels, lines, strict=True)]
        ]
    return [
        [(panel, rows)]
        for panel, each in zip(panels, lines, strict=True)
        for rows in _even(each, room - HEAD)
    ]


def _even(lines: Sequence[int], room: float) -> list[list[int]]:
    """Rows in as few lists as the room allows, each about as long as the others."""
    units = [[at] for at in range(len(lines))]
    fewest = _filled(units, lines, room)
    even = _filled(units, lines, max(ceil(sum(lines) / len(fewest)), *lines))
    return even if len(even) == len(fewest) else fewest


def _filled(units: Sequence[Sequence[int]], sizes: Sequence[float], room: float) -> list[list[int]]:
    """Units one after the other, a new list where the last one is full."""
    lists: list[list[int]] = [[]]
    for unit in units:
        if lists[-1] and sum(sizes[at] for at in (*lists[-1], *unit)) > room:
            lists.append([])
        lists[-1] += unit
    return lists
