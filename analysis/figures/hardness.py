"""Figure `hardness`: how high the used negatives stand among the user's unseen items, by epoch."""

from collections.abc import Mapping, Sequence
from math import ceil

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..measures import hardness
from ..runs.frames import MetricLike, Run
from ..runs.without_negatives import how_to_get_some, not_shown
from ._legend import Entry, draw_legend, legend_height, mark, rest_entry, row_entries
from ._named_rows import ALL, NamedRows, named_rows
from ._palette import Style
from ._style import (
    RC_PARAMS,
    TWO,
    Plot,
    blocks,
    draw_line,
    families,
    nothing_to_plot,
    row_styles,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 7

QUANTILES = ("percentile_p10", "percentile_p50", "percentile_p90")
MEDIAN = QUANTILES[1]
ACROSS, ACROSS_NARROW = 5, 3
"""Panels side by side, in a figure of two columns of a page and of one."""
UNIFORM = {"color": "#777777", "linewidth": 0.7, "dashes": (3, 2)}
LABEL = "score percentile of negatives"


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A panel a row: the median as a line, from the 10th to the 90th percentile as a band.

    With more than twelve rows a panel a family, whose rows are lines: their medians. `metric`
    chooses the rows that are named there.
    """
    frame, of_method, styles = _quantiles(run), families(run), row_styles(run)
    plots = []
    for dataset, backbone, block in blocks(frame):
        named, width = named_rows(run, metric, block), width_of(run, TWO)
        title = title_of(dataset, backbone, LABEL)
        if block["row"].nunique() <= ALL:
            figure, shape = _by_row(block, styles, title, width), "10th to 90th percentile (band)"
        else:
            figure = _by_family(block, of_method, named, title, width)
            shape = "a panel a family; 10th and 90th percentile in the csv"
        caption = (
            "Share of the user's unseen items that score below a used negative, by epoch: median "
            f"(line), {shape}, means over seeds; dashed: the median of uniform draws. "
            f"{not_shown(run, dataset, backbone)} {named.sentence}"
        ).strip()
        name = f"hardness-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, caption, figure, block))
    return plots


def _quantiles(run: Run) -> pd.DataFrame:
    """The quantiles of each row and epoch, means over seeds while all of them train."""
    frame = hardness.by_epoch(run).dropna(subset=list(QUANTILES))
    if frame.empty:
        raise nothing_to_plot("hardness", "epochs with score percentiles", how_to_get_some(run))
    return frame.reset_index(drop=True)


def _by_row(block: pd.DataFrame, styles: Mapping[str, Style], title: str, width: float) -> Figure:
    last = block.sort_values("epoch").groupby("row")[MEDIAN].last()
    rows = list(last.sort_values(kind="stable").index)
    with mpl.rc_context(RC_PARAMS):
        figure, axes = _panels(short_names(rows), (), title, width)
        for ax, row in zip(axes, rows, strict=True):
            draw_hardness(ax, block[block["row"] == row], styles[row])
    return figure


def _by_family(
    block: pd.DataFrame,
    of_method: Mapping[str, str],
    named: NamedRows,
    title: str,
    width: float,
) -> Figure:
    family = block["method"].map(of_method).replace("", "other").fillna("other")
    sizes = family.groupby(family).size().sort_values(ascending=False, kind="stable")
    key = [*row_entries(list(named.rows), named.styles), *rest_entry(named.rest)]
    with mpl.rc_context(RC_PARAMS):
        names = [str(name).replace("_", " ") for name in sizes.index]
        figure, axes = _panels(names, key, title, width)
        for ax, name in zip(axes, sizes.index, strict=True):
            lines = block[family == name]
            for at, row in enumerate(named.order(lines["row"].unique())):
                own = lines[lines["row"] == row]
                draw_line(ax, own["epoch"], own[MEDIAN], named.styles[row], at)
            _axes(ax)
    return figure


def _panels(
    names: Sequence[str], key: Sequence[Entry], title: str, width: float
) -> tuple[Figure, list[Axes]]:
    """A figure of small panels with these titles, over its legend."""
    across = min(ACROSS if width >= TWO else ACROSS_NARROW, len(names))
    down = ceil(len(names) / across)
    key = [*key, *mark("uniform draws", **UNIFORM)]
    figure = titled_figure(width, 0.4 + 1.1 * down + legend_height(key, width), title)
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=False):
        ax.set_title(name, pad=2, fontsize=7.5 if len(name) < 18 else 6)
    for ax in axes[len(names) :]:
        ax.set_visible(False)
    for at in range(max(0, len(names) - across), len(names)):
        axes[at].tick_params(labelbottom=True)
        axes[at].set_xlabel("epoch")
    figure.supylabel(LABEL, fontsize=8)
    draw_legend(figure, key, width)
    return figure, list(axes[: len(names)])


def draw_hardness(ax: Axes, lines: pd.DataFrame, style: Style) -> None:
    """Draw the quantiles of one row."""
    low, mid, high = (lines[name].to_numpy(float) for name in QUANTILES)
    epochs = lines["epoch"].to_numpy(float)
    ax.fill_between(epochs, low, high, color=style.color, alpha=0.25, linewidth=0)
    ax.plot(epochs, mid, color=style.color)
    if len(epochs) == 1:  # a band and a line need two
        ax.plot(epochs.repeat(2), [*low, *high], color=style.color, alpha=0.25, linewidth=5)
        ax.plot(epochs, mid, color=style.color, marker="o", markersize=3.5)
    _axes(ax)


def _axes(ax: Axes) -> None:
    ax.axhline(0.5, zorder=1, **UNIFORM)  # type: ignore[arg-type]
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.5, 1])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_major_locator(MaxNLocator(3, integer=True, min_n_ticks=1))
    sns.despine(ax=ax)
