"""Figure `triplets`: what triplets are worth, by hardness, popularity of the negative and truth."""

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from ..measures import bands, triplet_values
from ..runs.frames import ROW, MetricLike, Run
from ._legend import draw_legend, legend_height, row_entries
from ._named_rows import NamedRows, named_rows
from ._palette import Style
from ._style import (
    RC_PARAMS,
    TWO,
    Plot,
    blocks,
    nothing_to_plot,
    panels,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 9

PANELS = ("hardness", "band", "truth")
QUANTILES = tuple(f"q{100 * at:g}" for at in triplet_values.QUANTILES)


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """Three panels: by tenths of hardness, by band, and false against other negatives.

    `metric` chooses the rows that are drawn where there are more than twelve.
    """
    frame, order = summary(run), bands.names(run)
    plots = []
    for dataset, backbone, block in blocks(frame):
        named = named_rows(run, metric, block)
        known = "other: true ones" if block["exact"].any() else "other: not known to be false"
        caption = (
            "Value of a triplet, above zero where it helped: means by tenths of its hardness and "
            "by the band of its negative, with 95 % intervals over users; and by truth (false: "
            f"held-out positives of the user; {known}): median, quartiles (box), 5th to 95th "
            "percentile (line) and mean (diamond), with the AUC of telling false ones by low "
            f"values. All seeds together. {named.sentence.replace('grey', 'not drawn')}"
        ).strip()
        title = title_of(dataset, backbone, "value of a triplet")
        figure = _figure(block, order, named, (title, width_of(run, TWO)))
        plots.append(
            Plot(f"triplets-{dataset}-{backbone}", dataset, backbone, caption, figure, block)
        )
    return plots


def summary(run: Run) -> pd.DataFrame:
    """One line a row, panel and group: mean value, interval, counts; quantiles and AUC by truth.

    Raises NothingToReport if no cell valued triplets.
    """
    values = triplet_values.triplets(run)
    if values.empty:
        raise nothing_to_plot(
            "triplets", "cells that valued their triplets", "run it with -m shapley"
        )
    banded = values[values["band"] != ""].rename(columns={"band": "group"})
    truth = triplet_values.by_truth(values)
    truth["group"] = truth["false"].map({True: "false", False: "other"})
    parts = [
        triplet_values.by_hardness(values).assign(panel="hardness"),
        triplet_values.averages(banded, [*ROW, "group"]).assign(panel="band"),
        truth.drop(columns=["false", "exact"]).assign(panel="truth"),
    ]
    exact = values.groupby(ROW, as_index=False, sort=False)["exact"].first()
    whole = pd.concat([part for part in parts if len(part)], ignore_index=True)
    columns = ["panel", "group", "hardness", "mean", "low", "high", "n", "users"]
    columns += [*QUANTILES, "auc", "exact"]
    return whole.merge(exact, on=ROW)[[*ROW, *columns]]


def _figure(
    block: pd.DataFrame, order: Sequence[str], named: NamedRows, frame: tuple[str, float]
) -> Figure:
    title, width = frame
    block, styles = block[block["row"].isin(named.rows)], named.styles
    key = row_entries(sorted(named.rows), styles)
    with mpl.rc_context(RC_PARAMS):
        tall = max(2.1, 0.32 * len(named.rows) + 0.6)
        height = tall if width >= TWO else 3.6 + tall
        figure = titled_figure(width, height + legend_height(key, width), title)
        ratios = {"width_ratios": (1.2, 0.8, 1.2)}
        if width < TWO:
            ratios = {"height_ratios": (1.8, 1.8, tall)}
        left, middle, right = panels(figure, 3, **ratios)
        parts = {panel: block[block["panel"] == panel] for panel in PANELS}
        draw_hardness(left, parts["hardness"], styles)
        draw_bands(middle, parts["band"], order, styles)
        draw_truth(right, parts["truth"], styles)
        draw_legend(figure, key, width)
    return figure


def draw_hardness(ax: Axes, lines: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    """Draw the mean value of each tenth at its mean hardness."""
    for row, part in lines.groupby("row"):
        _points(ax, part["hardness"].to_numpy(float), part, styles[str(row)], joined=True)
    ax.set_xlabel("score of negative minus positive")
    ax.set_ylabel("mean value")
    ax.xaxis.set_major_locator(MaxNLocator(4))
    _values(ax, "y")


def draw_bands(
    ax: Axes, lines: pd.DataFrame, order: Sequence[str], styles: Mapping[str, Style]
) -> None:
    """Draw the mean value of the negatives of each band, rows side by side."""
    rows = sorted(lines["row"].unique())
    for at, row in enumerate(rows):
        part = lines[lines["row"] == row].set_index("group").reindex(order)
        aside = 0.5 * (at - (len(rows) - 1) / 2) / max(1, len(rows))
        _points(
            ax, np.arange(len(order), dtype=np.float64) + aside, part, styles[row], joined=False
        )
    ax.set_xticks(range(len(order)), order)
    ax.set_xlim(-0.5, len(order) - 0.5)
    ax.set_xlabel("band of the negative")
    ax.set_ylabel("mean value")
    _values(ax, "y")


def draw_truth(ax: Axes, lines: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    """Draw a box of the values of false negatives and one of the others for each row."""
    rows = sorted(lines["row"].unique())
    names, heights = short_names(rows), []
    words = []
    for at, row in enumerate(rows):
        part = lines[lines["row"] == row].set_index("group")
        for height, group in ((3 * at, "false"), (3 * at + 1, "other")):
            if group in part.index:
                _box(ax, height, part.loc[group].to_dict(), styles[row], filled=group == "false")
                heights.append(height)
                words.append(group if len(rows) == 1 else f"{names[at]} {group}")
        _auc(ax, 3 * at + 0.5, float(part["auc"].iloc[0]))
    ax.set_yticks(heights, words)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(3 * len(rows) - 1.2, -0.8)
    ax.set_xlabel("value")
    ax.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=3))
    _values(ax, "x")


def _points(
    ax: Axes, x: NDArray[np.float64], part: pd.DataFrame, style: Style, *, joined: bool
) -> None:
    means = part["mean"].to_numpy(float)
    sides = [means - part["low"].to_numpy(float), part["high"].to_numpy(float) - means]
    line = ax.errorbar(
        x,
        means,
        yerr=sides,  # of one user there is no interval, and none is drawn
        color=style.color,
        marker=style.marker,
        markersize=3.5,
        elinewidth=0.8,
        capsize=1.5,
        linestyle="-" if joined else "none",
    )[0]
    if joined and style.dashes:
        line.set_dashes(style.dashes)


def _box(ax: Axes, height: float, part: Mapping[Any, Any], style: Style, *, filled: bool) -> None:
    low, first, middle, third, high = (float(part[name]) for name in QUANTILES)
    ax.plot([low, high], [height] * 2, color=style.color, linewidth=0.8)
    ax.barh(
        height,
        third - first,
        left=first,
        height=0.6,
        facecolor=style.color if filled else "white",
        edgecolor=style.color,
        linewidth=0.8,
        zorder=2,
    )
    ax.plot([middle] * 2, [height - 0.3, height + 0.3], color="#222222", linewidth=1.2, zorder=3)
    ax.plot(part["mean"], height, marker="D", markersize=3, color="#222222", zorder=4)


def _auc(ax: Axes, height: float, value: float) -> None:
    if np.isfinite(value):
        ax.text(
            1,
            height,
            f"AUC {value:.2f}",
            ha="right",
            va="center",
            fontsize=7,
            transform=ax.get_yaxis_transform(),
        )


def _values(ax: Axes, axis: Literal["x", "y"]) -> None:
    """Style the axis of values: zero marked, one power of ten for the axis."""
    mark = ax.axhline if axis == "y" else ax.axvline
    mark(0, color="#777777", linewidth=0.7, dashes=(3, 2), zorder=1)
    _, highest = ax.get_ylim() if axis == "y" else ax.get_xlim()
    power = floor(log10(highest)) if highest > 0 else 0
    of_axis = ax.yaxis if axis == "y" else ax.xaxis
    if not -2 <= power <= 3:
        # In the label of the axis, for mathematics is not parsed in a figure.
        of_axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 10.0**power:.3g}"))
        label = of_axis.get_label_text()
        of_axis.set_label_text(f"{label} (1e{power})".strip())
    ax.grid(axis=axis)
    sns.despine(ax=ax)
