"""Figure `sweep`: the metric against each setting in which rows of one method differ."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..measures.sweeps import as_text, is_number, order, sweeps
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import REFERENCE, MetricLike, Run
from ._legend import Entry, columns_of, row_entries
from ._palette import DASHES, Style, assign_styles
from ._style import (
    ONE,
    RC_PARAMS,
    TWO,
    Plot,
    blocks,
    nothing_to_plot,
    title_of,
    titled_figure,
)

PLACE = 15

ACROSS = 3
"""Panels side by side."""
DECADE = 10
"""Values of a setting that span this factor stand on a log scale."""
APART = 0.1
"""From curve to curve where values are words and stand 1 apart."""
ROOM = 24
"""Characters below an axis: with more, not each value has a tick."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A panel a setting, a line a method; whiskers are one standard deviation over seeds.

    Raises NothingToReport if no two rows differ in one setting alone.
    """
    chosen = frames.choose_metric(run, metric)
    frame = sweeps(run, chosen)
    if frame.empty:
        raise nothing_to_plot(
            "sweep",
            "rows of one method that differ in one setting alone",
            "run it with a list of values, as -m 'dns(candidates=[2,4,8])'",
        )
    styles, label = _styles(frame), metric_label(chosen)
    caption = (
        f"{label} against each setting in which rows of one method differ, all others equal; "
        "whiskers: one standard deviation over seeds, none of one training. Values of the test "
        "part: what is best here was not chosen on the validation part."
    )
    return [
        Plot(
            f"sweep-{dataset}-{backbone}",
            dataset,
            backbone,
            caption,
            _figure(block, styles, label, run.figures.width),
            block,
        )
        for dataset, backbone, block in _blocks(frame)
    ]


def _blocks(frame: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """The lines of each block; references are blocks where no method of their data is swept."""
    own = list(blocks(frame))
    alone = frame[~frame["dataset"].isin([dataset for dataset, _, _ in own])]
    for dataset, lines in alone.groupby("dataset"):
        own.append((str(dataset), REFERENCE, lines.reset_index(drop=True)))
    return own


def _styles(frame: pd.DataFrame) -> dict[str, Style]:
    """The style of each method, the same in all panels."""
    lines = frame[["method", "kind"]].drop_duplicates()
    keys = zip(lines["method"], lines["method"], lines["kind"] == REFERENCE, strict=True)
    return assign_styles(keys)


def _figure(
    block: pd.DataFrame, styles: Mapping[str, Style], label: str, asked: float | None
) -> Figure:
    settings = list(dict.fromkeys(block["setting"]))
    width = asked or (ONE if len(settings) == 1 else TWO)
    across = min(ACROSS if width >= TWO else 1, len(settings))
    down = ceil(len(settings) / across)
    title = title_of(str(block["dataset"].iloc[0]), str(block["backbone"].iloc[0]), label)
    with mpl.rc_context(RC_PARAMS):
        parts = [block[block["setting"] == setting] for setting in settings]
        keys = [shades(part, styles) for part in parts]
        entries = [row_entries(list(key), key) for key in keys]
        columns = [columns_of(each, width / across, 3) for each in entries]
        lines = max(ceil(len(each) / n) for each, n in zip(entries, columns, strict=True))
        figure = titled_figure(width, down * (2.0 + 0.15 * lines), title)
        panels = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
        for ax, part, key, each, n in zip(panels, parts, keys, entries, columns, strict=False):
            draw_sweep(ax, part, key)
            ax.set_xlabel(str(part["setting"].iloc[0]))
            _legend(ax, each, n)
        for ax in panels[len(settings) :]:
            ax.set_visible(False)
        for ax in panels[::across]:
            ax.set_ylabel(label)
    return figure


def _legend(ax: Axes, entries: Sequence[Entry], columns: int) -> None:
    """The curves of a panel, above it: there the ticks below are not in the way."""
    ax.legend(
        [handle for handle, _ in entries],
        [text for _, text in entries],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns,
        handlelength=2.2,
        columnspacing=1.2,
    )


def shades(lines: pd.DataFrame, styles: Mapping[str, Style]) -> dict[str, Style]:
    """The style of each curve of a panel: several of one method go from dark to light."""
    keys: dict[str, Style] = {}
    for method, points in lines.groupby("method", sort=False):
        curves, style = list(dict.fromkeys(points["curve"])), styles[str(method)]
        ends = sns.blend_palette(["black", style.color, "white"], 9)
        colors = sns.blend_palette([ends[2], style.color, ends[6]], len(curves), as_cmap=False)
        for at, (curve, color) in enumerate(zip(curves, colors, strict=True)):
            dashes = DASHES[at % len(DASHES)]
            keys[curve] = style if len(curves) == 1 else Style(to_hex(color), style.marker, dashes)
    return keys


def draw_sweep(ax: Axes, lines: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    """Draw the curves of one setting: numbers to scale, a log scale over a decade, joined.

    Words have no order, so that their points stand apart.
    """
    values = sorted({as_text(value): value for value in lines["value"]}.values(), key=order)
    numeric = all(map(is_number, values))
    places = {as_text(v): float(v) if numeric else float(at) for at, v in enumerate(values)}
    if numeric and (scale := _scale(list(places.values()))):
        ax.set_xscale(scale[0], **scale[1])
    curves = list(dict.fromkeys(lines["curve"]))
    for at, curve in enumerate(curves):
        style, points = styles[curve], lines[lines["curve"] == curve]
        beside = 0.0 if numeric else APART * (at - (len(curves) - 1) / 2)
        ax.errorbar(
            [places[as_text(value)] + beside for value in points["value"]],
            points["mean"],
            yerr=points["std"],
            color=style.color,
            marker=style.marker,
            markersize=4,
            **_line(style, joined=numeric),
            elinewidth=0.7,
            capsize=1.5,
        )
    _ticks(ax, list(places.values()), list(map(_word, values)), numeric=numeric)
    ax.grid()
    sns.despine(ax=ax)


def _line(style: Style, *, joined: bool) -> dict[str, Any]:
    return {"dashes": style.dashes or (None, None)} if joined else {"linestyle": "none"}


def _scale(values: Sequence[float]) -> tuple[str, dict[str, float]] | None:
    """The scale of an axis: a log scale where values span a decade, about zero a linear part."""
    positive = [value for value in values if value > 0]
    if min(values) < 0 or not positive or max(positive) < DECADE * min(positive):
        return None
    if min(values) > 0:
        return "log", {}
    return "symlog", {"linthresh": min(positive), "linscale": 1.0}


def _ticks(ax: Axes, places: Sequence[float], words: Sequence[str], *, numeric: bool) -> None:
    """A tick at each value where the words have room; words that are no numbers are slanted."""
    is_tight = sum(map(len, words)) > ROOM
    if numeric and is_tight:
        return
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(places, words)
    if not numeric:
        ax.set_xlim(-0.4, len(places) - 0.6)
        ax.tick_params(axis="x", rotation=30 if is_tight else 0)


def _word(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
