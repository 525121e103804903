"""Figure `cd`: mean ranks over all blocks, rows joined that no critical difference parts.

The diagram of Demsar ("Statistical Comparisons of Classifiers over Multiple Data Sets", Journal of
Machine Learning Research, 2006), rank 1 at the left. It needs eight blocks or more.
"""

from math import ceil

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
STEP = 0.17
"""Inches from one name to the next."""
TICK = 0.2
"""Inches from one rank with a tick to the next, at least."""


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
    figure = draw(test, row_styles(run), title, run.figures.width)
    return [Plot("cd", "", "", caption, figure, frame)]


def draw(test: Friedman, styles: dict[str, Style], title: str, asked: float | None) -> Figure:
    """The figure, one column wide if the names fit beside the axis, else two."""
    rows = list(test.ranks["row"])
    half = -(-len(rows) // 2)
    levels = _levels(test)
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


def _levels(test: Friedman) -> list[int]:
    """How far below the axis each clique's bar lies, so that no two touch."""
    mean = test.ranks.set_index("row")["mean_rank"]
    taken: list[float] = []
    levels = []
    for clique in test.cliques:
        start, end = mean[clique[0]], mean[clique[-1]]
        free = next((at for at, until in enumerate(taken) if until < start - 0.1), len(taken))
        taken[free:] = [end, *taken[free + 1 :]]
        levels.append(free)
    return levels


def _bars(ax: Axes, test: Friedman, levels: list[int]) -> None:
    mean = test.ranks.set_index("row")["mean_rank"]
    for clique, level in zip(test.cliques, levels, strict=True):
        y = 0.6 + 0.09 * level
        ends = [mean[clique[0]] - 0.04, mean[clique[-1]] + 0.04]
        ax.plot(ends, [y, y], color=INK, linewidth=2.4, solid_capstyle="butt", clip_on=False)


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
        ax.plot(x, 0.5, color=style.color, marker=style.marker, markersize=4, clip_on=False)
        ax.annotate(
            name,
            (side, y),
            xytext=(-3 if better else 3, 0),
            textcoords="offset points",
            ha="right" if better else "left",
            va="center",
            annotation_clip=False,
        )
