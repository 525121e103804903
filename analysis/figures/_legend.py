"""The legend below a figure: rows that have no label of their own, and what marks mean."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from ._palette import REST, Style
from ._style import short_names

LINE = 0.16
"""Inches of a line of the legend."""
SIZE = 7.5
"""Of the text, in points."""
Entry = tuple[Artist, str]
"""A mark and what it means."""


def row_entries(
    rows: Sequence[str],
    styles: Mapping[str, Style],
    *,
    lines: bool = True,
    hollow: Iterable[str] = (),
) -> list[Entry]:
    """An entry a row: its marker, on its line unless there are no `lines`."""
    entries: list[Entry] = []
    for row, name in zip(rows, short_names(rows), strict=True):
        style = styles[row]
        handle = Line2D([], [], color=style.color, marker=style.marker, markersize=4.5)
        handle.set_markerfacecolor("white" if row in hollow else style.color)
        if not lines:
            handle.set_linestyle("none")
        elif style.dashes:
            handle.set_dashes(style.dashes)
        entries.append((handle, name))
    return entries


def mark(text: str, **look: Any) -> list[Entry]:
    """An entry that explains a mark; none if there is nothing to say of it."""
    return [(Line2D([], [], **{"color": "#555555", "linewidth": 1, **look}), text)] if text else []


def rest_entry(text: str, *, lines: bool = True) -> list[Entry]:
    """The entry of the rows in grey; none if there are none."""
    look = {"linewidth": 0.8} if lines else {"linestyle": "none", "marker": "o", "markersize": 3}
    return mark(text, color=REST.color, **look)


def columns_of(entries: Sequence[Entry], width: float, most: int = 5) -> int:
    """Columns, `most` at most, of a legend that is `width` inches wide."""
    longest = max((len(text) for _, text in entries), default=0)
    entry = (5.0 + 0.56 * longest) * SIZE / 72
    return max(1, min(most, len(entries), int(width / entry)))


def legend_height(entries: Sequence[Entry], width: float, most: int = 5) -> float:
    """Inches of the legend."""
    return LINE * ceil(len(entries) / columns_of(entries, width, most))


def draw_legend(
    figure: Figure | SubFigure, entries: Sequence[Entry], width: float, most: int = 5
) -> None:
    """Draw the legend below the axes, where it covers nothing."""
    figure.legend(
        [artist for artist, _ in entries],
        [text for _, text in entries],
        loc="outside lower center",
        ncols=columns_of(entries, width, most),
        handlelength=2.0,
        columnspacing=1.2,
    )
