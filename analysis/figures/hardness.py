"""Figure `hardness`: how high the used negatives stand among the user's unseen items, by epoch."""

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
from ._palette import Style
from ._style import RC_PARAMS, TWO, Plot, blocks, nothing_to_plot, row_styles, short_names

PLACE = 7

QUANTILES = ("percentile_p10", "percentile_p50", "percentile_p90")
ACROSS = 5
"""Panels side by side: fifteen rows are three lines of panels."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A panel a row: the median as a line, from the 10th to the 90th percentile as a band.

    `metric` is unused; every kind has the same signature.
    """
    del metric
    frame, styles = _quantiles(run), row_styles(run)
    caption = (
        "Share of the user's unseen items that score below a used negative, by epoch: median (line)"
        " and 10th to 90th percentile (band), means over seeds; dashed: the median of uniform "
        "draws."
    )
    return [
        Plot(
            f"hardness-{dataset}-{backbone}",
            dataset,
            backbone,
            f"{caption} {not_shown(run, dataset, backbone)}".strip(),
            _figure(block, styles),
            block,
        )
        for dataset, backbone, block in blocks(frame)
    ]


def _quantiles(run: Run) -> pd.DataFrame:
    """The quantiles of each row and epoch, means over seeds while all of them train."""
    frame = hardness.by_epoch(run).dropna(subset=list(QUANTILES))
    if frame.empty:
        raise nothing_to_plot("hardness", "epochs with score percentiles", how_to_get_some(run))
    return frame.reset_index(drop=True)


def _figure(block: pd.DataFrame, styles: dict[str, Style]) -> Figure:
    last = block.sort_values("epoch").groupby("row")[QUANTILES[1]].last()
    rows = list(last.sort_values(kind="stable").index)
    across, down = min(ACROSS, len(rows)), ceil(len(rows) / ACROSS)
    with mpl.rc_context(RC_PARAMS):
        figure = Figure(figsize=(TWO, 0.5 + 1.15 * down), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
        for ax, row, name in zip(panels, rows, short_names(rows), strict=False):
            draw_hardness(ax, block[block["row"] == row], styles[row])
            ax.set_title(name, pad=2, fontsize=7.5 if len(name) < 18 else 6)
        for ax in panels[len(rows) :]:
            ax.set_visible(False)
        for at in range(max(0, len(rows) - across), len(rows)):
            panels[at].tick_params(labelbottom=True)
        figure.supxlabel("epoch", fontsize=8)
        figure.supylabel("score percentile of negatives", fontsize=8)
    return figure


def draw_hardness(ax: Axes, lines: pd.DataFrame, style: Style) -> None:
    """Draw the quantiles of one row."""
    low, mid, high = (lines[name].to_numpy(float) for name in QUANTILES)
    epochs = lines["epoch"].to_numpy(float)
    ax.fill_between(epochs, low, high, color=style.color, alpha=0.25, linewidth=0)
    ax.plot(epochs, mid, color=style.color)
    ax.axhline(0.5, color="#777777", linewidth=0.7, dashes=(3, 2), zorder=1)
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.5, 1])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    sns.despine(ax=ax)
