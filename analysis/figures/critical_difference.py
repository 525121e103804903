"""Figure `cd`: mean ranks over all blocks, rows joined that no critical difference parts.

The diagram of Demsar ("Statistical Comparisons of Classifiers over Multiple Data Sets", Journal of
Machine Learning Research, 2006), rank 1 at the left. It needs eight blocks or more.

Names stand beside the axis, joined to their ranks by lines, as long as these lines can be followed:
up to ten rows in one column of a page and 24 over both. More rows are a list, a line each, best
first, with the bars upright at its right.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import MetricLike, Run
from ..statistics.friedman import Friedman, friedman
from ..tables.comparison import friedman_sentence
from ._palette import Style
from ._style import (
    INK,
    ONE,
    RC_PARAMS,
    TITLE,
    TWO,
    Plot,
    row_styles,
    short_names,
    title_of,
    write_title,
)

KIND = "cd"
PLACE = 14

NARROW = 10
"""The most rows whose names stand beside the axis in one column of a page."""
WIDE = 24
"""The most that do so in a figure of both columns."""
STEP = 0.17
"""Inches from one name to the next; of a list with more than `WIDE` rows `CLOSE`."""
CLOSE = 0.135
TICK = 0.2
"""Inches from one rank with a tick to the next, at least."""
BAR = 0.08
"""Inches from one upright bar to the next, at most."""
GUIDE = "#E3E3E3"
"""Lines from the names of a list across its ranks and bars."""
BESIDE: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "annotation_clip": False,
}
SOLID: dict[str, Any] = {"color": INK, "solid_capstyle": "butt", "clip_on": False}


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """One diagram of the whole run."""
    chosen = frames.choose_metric(run, metric)
    test = friedman(run, chosen)
    caption = (
        f"Mean rank by {metric_label(chosen)} over {test.blocks} blocks, a data set and backbone "
        "each, 1 the best; bars join rows within one critical difference. "
        f"{friedman_sentence(test)}"
    ).replace("; = within it of the first", "")
    frame = test.ranks.assign(
        metric=str(chosen), critical=test.critical, alpha=test.alpha, chi2=test.chi2, p=test.p
    )
    title = title_of("", "", f"mean rank by {metric_label(chosen)}", f"{test.blocks} blocks")
    asked = run.figures.width
    most = NARROW if asked == ONE else WIDE
    styles = row_styles(run)
    figure = (
        draw(test, styles, title, asked)
        if len(test.ranks) <= most
        else draw_list(test, styles, title, asked or ONE)
    )
    return [Plot("cd", "", "", caption, figure, frame)]


def draw(test: Friedman, styles: dict[str, Style], title: str, asked: float | None) -> Figure:
    """Names beside the axis: one column wide if they fit there, else two."""
    rows = list(test.ranks["row"])
    half = -(-len(rows) // 2)
    levels = _levels(_ends(test), apart=0.1)
    bars = 0.16 + 0.09 * (max(levels, default=-1) + 1)
    height = 0.62 + bars + STEP * half
    names = short_names(rows)
    width = asked or (ONE if len(rows) <= NARROW and max(map(len, names)) <= 14 else TWO)
    with mpl.rc_context(RC_PARAMS):
        figure = Figure(figsize=(width, height + TITLE))
        write_title(figure, title)
        # Room for the names at either side: inches, at 8 point.
        room = min(0.34 * width, 0.12 + 0.062 * max(map(len, names)))
        ax = figure.add_axes((room / width, 0, 1 - 2 * room / width, height / (height + TITLE)))
        ax.set_xlim(1, len(rows))
        ax.set_ylim(height, 0)
        ax.axis("off")
        _axis(ax, len(rows), test.critical, width - 2 * room)
        _bars(ax, test, levels)
        _names(ax, test, styles, 0.62 + bars, half)
    return figure


def _axis(ax: Axes, rows: int, critical: float, wide: float) -> None:
    """Ranks at 0.5 inches from the top, and above them the critical difference to scale."""
    ax.plot([1, rows], [0.5, 0.5], color=INK, linewidth=0.8, clip_on=False)
    for rank in range(1, rows + 1, max(1, ceil(rows * TICK / wide))):
        ax.plot([rank, rank], [0.45, 0.5], color=INK, linewidth=0.8, clip_on=False)
        ax.text(rank, 0.42, str(rank), ha="center", va="bottom", color=INK)
    end = min(1 + critical, rows)
    ax.plot([1, end], [0.2, 0.2], color=INK, linewidth=1.2, clip_on=False)
    for at in (1.0, end) if end == 1 + critical else (1.0,):
        ax.plot([at, at], [0.16, 0.24], color=INK, linewidth=1.2, clip_on=False)
    ax.text((1 + end) / 2, 0.16, f"CD = {critical:.2f}", ha="center", va="bottom", color=INK)


def _ends(test: Friedman) -> list[tuple[float, float]]:
    """The mean ranks of the first and the last row of each clique."""
    mean = test.ranks.set_index("row")["mean_rank"]
    return [(float(mean[clique[0]]), float(mean[clique[-1]])) for clique in test.cliques]


def _levels(ends: Sequence[tuple[float, float]], apart: float) -> list[int]:
    """In which line of bars each from start to end lies, so that no two are nearer than `apart`."""
    taken: list[float] = []
    levels = []
    for start, end in ends:
        free = next((at for at, until in enumerate(taken) if until < start - apart), len(taken))
        taken[free:] = [end, *taken[free + 1 :]]
        levels.append(free)
    return levels


def _bars(ax: Axes, test: Friedman, levels: list[int]) -> None:
    for (start, end), level in zip(_ends(test), levels, strict=True):
        y = 0.6 + 0.09 * level
        ax.plot([start - 0.04, end + 0.04], [y, y], linewidth=2.4, **SOLID)


def _names(ax: Axes, test: Friedman, styles: dict[str, Style], top: float, half: int) -> None:
    """The better half at the left, its best on top; the other at the right, its worst on top."""
    rows = test.ranks.to_dict("records")
    left, right = 1.0, float(len(rows))
    names = short_names(test.ranks["row"])
    for at, (line, name) in enumerate(zip(rows, names, strict=True)):
        better = at < half
        y = top + STEP * (at if better else len(rows) - 1 - at)
        side, style = (left if better else right), styles[line["row"]]
        x = line["mean_rank"]
        ax.plot([x, x, side], [0.5, y, y], color=style.color, linewidth=0.9, clip_on=False)
        _mark(ax, x, 0.5, style, 4)
        off, ha = ((-3, 0), "right") if better else ((3, 0), "left")
        ax.annotate(name, (side, y), off, ha=ha, **BESIDE)


def draw_list(test: Friedman, styles: dict[str, Style], title: str, width: float) -> Figure:
    """A line a row, best first: name, mean rank, and at the right the bars of the cliques."""
    rows = list(test.ranks["row"])
    place = {row: at for at, row in enumerate(rows)}
    spans = [(place[clique[0]], place[clique[-1]]) for clique in test.cliques]
    levels = _levels(spans, apart=0)
    step, size = (CLOSE, 7) if len(rows) > WIDE else (STEP, 8)
    names = short_names(rows)
    room = min(0.45 * width, 0.18 + 0.0078 * size * max(map(len, names)))
    uprights = max(levels, default=-1) + 1
    gap = min(BAR, 0.3 * width / max(1, uprights))
    plot, top = width - room - gap * (uprights + 2), 0.64
    inch = (len(rows) - 1) / plot  # in ranks
    height = top + step * len(rows)
    with mpl.rc_context(RC_PARAMS):
        figure = Figure(figsize=(width, height + TITLE))
        write_title(figure, title)
        ax = figure.add_axes((room / width, 0, plot / width, height / (height + TITLE)))
        ax.set_xlim(1, len(rows))
        ax.set_ylim(height, 0)
        ax.axis("off")
        _axis(ax, len(rows), test.critical, plot)
        end = len(rows) + gap * (uprights + 1) * inch
        for at, (line, name) in enumerate(zip(test.ranks.to_dict("records"), names, strict=True)):
            y, style = top + step * at, styles[line["row"]]
            ax.plot([1, end], [y, y], color=GUIDE, linewidth=0.5, clip_on=False)
            _mark(ax, line["mean_rank"], y, style, 4.5)
            ax.annotate(name, (1, y), (-5, 0), fontsize=size, ha="right", **BESIDE)
        for (first, last), level in zip(spans, levels, strict=True):
            x = len(rows) + gap * (level + 1) * inch
            ends = [top + step * (first - 0.25), top + step * (last + 0.25)]
            ax.plot([x, x], ends, linewidth=min(2.4, 30 * gap), **SOLID)
    return figure


def _mark(ax: Axes, x: float, y: float, style: Style, size: float) -> None:
    ax.plot(x, y, color=style.color, marker=style.marker, markersize=size, clip_on=False)
