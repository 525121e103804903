"""Figure `tuning-points`: every trial's validation value against learning rate and L2."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..number_format import counted
from ..runs.frames import REFERENCE, MetricLike, Run
from ..tuning.lines import Line
from ..tuning.page import TuningBlock
from ..tuning.searches import Range
from ._legend import Entry, draw_legend, legend_height, mark
from ._named_rows import BASELINE, BEST, choose
from ._palette import Style
from ._search_blocks import place, protocol, search_blocks, search_styles, stem
from ._style import (
    INK,
    ONE,
    RC_PARAMS,
    TWO,
    Plot,
    nothing_to_plot,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 18

ACROSS = 3
"""Rows of the search side by side, each with a panel a parameter; one in one column of a page."""
ZERO = 0.1
"""How far left of a range its 0 is drawn, as a share of the range."""
FAILED = -0.06
"""Where a failed trial is drawn, as a share of the axis."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """Small panels, best row first; one figure a data set, backbone and protocol.

    `metric` is unused: the values are of the metric of selection. Raises NothingToReport if no
    method was searched over a setting of its training.
    """
    del metric
    blocks = search_blocks(run, "tuning-points")
    styles = search_styles(run, blocks)
    plots = [
        _plot(run, block, lines, styles, blocks)
        for block in blocks
        if (lines := [line for line in block.lines if _ranges(line) and _values(line)])
    ]
    if not plots:
        raise nothing_to_plot(
            "tuning-points",
            "a search over learning rate or L2 with a trial that finished",
            "search without --lr and --l2",
        )
    return plots


def _ranges(line: Line) -> list[Range]:
    return [each for each in line.searched.space if each.owner == "training"]


def _values(line: Line) -> list[float]:
    return [trial.valid for trial in line.searched.trials if trial.done]


def _plot(
    run: Run,
    block: TuningBlock,
    lines: Sequence[Line],
    styles: Mapping[str, Style],
    blocks: Sequence[TuningBlock],
) -> Plot:
    drawn = _drawn(lines, run.figures.named)
    caption = (
        f"Validation {block.metric} of every trial on {place(block)} against the settings of "
        "training that were searched, one seed a trial. Star: the setting that was chosen; hollow "
        "square: the published default, where another was chosen; crosses below an axis: trials "
        f"that failed. {_sentence(len(lines) - len(drawn))}{protocol(block)}"
    )
    figure = _figure(block, drawn, styles, width_of(run, TWO))
    frame = pd.concat(map(_frame, lines), ignore_index=True)
    name = stem("tuning-points", block, blocks)
    return Plot(name, block.dataset, block.backbone, caption, figure, frame, trials=True)


def _drawn(lines: Sequence[Line], asked: Sequence[str]) -> list[Line]:
    """Of many rows those that figures name, in their order, which is best first."""
    rows = [line.searched.row for line in lines]
    kinds = {
        line.searched.row: REFERENCE if line.searched.reference else "method" for line in lines
    }
    names = choose(rows, kinds, set(asked))
    return [line for line in lines if line.searched.row in names]


def _sentence(others: int) -> str:
    if not others:
        return ""
    return (
        f"Drawn: the {BEST} best methods, {BASELINE}, references and rows of --show; "
        f"{counted(others, 'other row')} in the csv alone. "
    )


def _frame(line: Line) -> pd.DataFrame:
    """The trials of one row as lines of the csv."""
    row = line.searched
    names = [each.name for each in _ranges(line)]
    return pd.DataFrame(
        [
            {
                "dataset": row.dataset,
                "backbone": row.backbone,
                "row": row.row,
                "protocol": row.hash,
                "metric": row.metric,
                "trial": trial.place,
                "status": trial.status,
                "valid": trial.valid,
                "winner": _is_winner(line, trial.place),
                **{name: trial.settings.get(name) for name in names},
            }
            for trial in row.counted
        ]
    )


def _is_winner(line: Line, trial: int) -> bool:
    return line.searched.winner is not None and line.searched.winner["trial"] == trial


def _figure(
    block: TuningBlock, lines: Sequence[Line], styles: Mapping[str, Style], width: float
) -> Figure:
    names = list(dict.fromkeys(each.name for line in lines for each in _ranges(line)))
    across = min(ACROSS if width > (ONE + TWO) / 2 else 1, len(lines))
    down = ceil(len(lines) / across)
    with mpl.rc_context(RC_PARAMS):
        title = title_of(block.dataset, block.backbone, f"trials by validation {block.metric}")
        key = _key()
        step = 0.9 if across > 1 else 0.75
        figure = titled_figure(width, 0.55 + step * down + legend_height(key, width), title)
        panels = figure.subplots(down, across * len(names), sharey=True, squeeze=False)
        for ax in panels.ravel():
            ax.set_visible(False)
        titles = short_names([line.searched.row for line in lines])
        for at, (line, title) in enumerate(zip(lines, titles, strict=True)):
            first = at % across * len(names)
            row = panels[at // across, first : first + len(names)]
            row[0].set_title(title, loc="left", pad=3, fontsize=7.5)
            ranges = {each.name: each for each in _ranges(line)}
            for ax, name in zip(row, names, strict=True):
                if name in ranges:
                    ax.set_visible(True)
                    _panel(ax, line, ranges[name], styles[line.searched.row])
                    last = at + across >= len(lines)
                    ax.set_xlabel(name if last else "")
                    ax.tick_params(labelbottom=last)
        figure.supylabel(f"validation {block.metric}", fontsize=8)
        draw_legend(figure, key, width)
    return figure


def _key() -> list[Entry]:
    """What the marks mean."""
    alone = {"linestyle": "none"}
    star = {"marker": "*", "markersize": 8, "markeredgecolor": INK, "markeredgewidth": 0.6}
    return [
        *mark("chosen", **alone, **star),
        *mark("published default", marker="s", markersize=3.5, markerfacecolor="white", **alone),
        *mark("other trials", marker="o", markersize=3.5, **alone),
        *mark("failed", marker="x", markersize=3, **alone),
    ]


def _panel(ax: Axes, line: Line, along: Range, style: Style) -> None:
    """The trials of one row along one parameter."""
    for trial in line.searched.counted:
        x = _across(along, trial.settings.get(along.name))
        if x is None:
            continue
        if not trial.done:
            on: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "clip_on": False}
            ax.plot(x, FAILED, color="#999999", marker="x", markersize=3, **on)
            continue
        won = _is_winner(line, trial.place)
        marker = "*" if won else "s" if trial.place == 0 else "o"
        ax.plot(
            x,
            trial.valid,
            color=style.color,
            marker=marker,
            markersize=8 if won else 3.5,
            markerfacecolor="white" if trial.place == 0 and not won else style.color,
            markeredgecolor=INK if won else style.color,
            markeredgewidth=0.6,
            zorder=3 if won else 2,
            clip_on=False,
        )
    ax.set_xlim(-2 * ZERO if along.zero else -ZERO / 2, 1 + ZERO / 2)
    ticks = _ticks(along)
    ax.set_xticks(list(ticks), list(ticks.values()), fontsize=7)
    ax.yaxis.set_major_locator(MaxNLocator(3))
    ax.tick_params(axis="y", labelsize=7)
    ax.grid()
    sns.despine(ax=ax)


def _across(along: Range, value: Any) -> float | None:
    """Where a value stands, from 0 to 1 over its range; left of it for 0 as a point of its own."""
    if along.kind == "of":
        last = max(len(along.values) - 1, 1)
        return along.values.index(value) / last if value in along.values else None
    if not isinstance(value, int | float):
        return None
    at = along.place(value)
    return min(max(-ZERO if at is None else at, -ZERO), 1 + ZERO / 2)


def _ticks(along: Range) -> dict[float, str]:
    """Decades of a logarithm, the ends of other ranges, and 0 where it is a point of its own."""
    ticks = {-ZERO: "0"} if along.zero else {}
    low, high = along.values[0], along.values[-1]
    if along.kind != "log":
        return ticks | {0.0: f"{low}", 1.0: f"{high}"}
    powers = range(ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9) + 1)
    step = max(1, ceil(len(powers) / 3))
    for power in powers[::-step]:
        ticks[float(along.place(10.0**power) or 0.0)] = f"1e{power}"
    return ticks
