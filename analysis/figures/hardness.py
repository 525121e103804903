"""Figure `hardness`: how high the used negatives stand among the user's unseen items, by epoch."""

from math import ceil

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..measures import hardness
from ..runs.frames import Run
from ._palette import Look
from ._style import STYLE, TWO, Plot, blocks, nothing, run_looks, short

PLACE = 7

QUANTILES = ("percentile_p10", "percentile_p50", "percentile_p90")
ACROSS = 5
"""Panels a line: fifteen rows are three lines of them."""


def plots(run: Run, metric: str | None = None) -> list[Plot]:
    """A panel a row: the median as a line, from the 10th to the 90th percentile as a band.

    `metric` is taken for the sake of one signature.
    """
    del metric
    told, looked = _quantiles(run), run_looks(run)
    says = (
        "Share of the user's unseen items that score below a used negative, by epoch: median (line)"
        " and 10th to 90th percentile (band), means over seeds; dashed: the median of uniform "
        "draws."
    )
    return [
        Plot(
            f"hardness-{dataset}-{backbone}",
            dataset,
            backbone,
            says,
            _figure(block, looked),
            block,
        )
        for dataset, backbone, block in blocks(told)
    ]


def _quantiles(run: Run) -> pd.DataFrame:
    """The quantiles of each row and epoch, means over seeds while all of them train."""
    told = hardness.by_epoch(run).dropna(subset=list(QUANTILES))
    if told.empty:
        raise nothing("hardness", "epochs with score percentiles", "run it with --probe sample")
    return told.reset_index(drop=True)


def _figure(block: pd.DataFrame, looked: dict[str, Look]) -> Figure:
    last = block.sort_values("epoch").groupby("row")[QUANTILES[1]].last()
    rows = list(last.sort_values(kind="stable").index)
    across, down = min(ACROSS, len(rows)), ceil(len(rows) / ACROSS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(TWO, 0.5 + 1.15 * down), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
        for ax, row, name in zip(panels, rows, short(rows), strict=False):
            draw_hardness(ax, block[block["row"] == row], looked[row])
            ax.set_title(name, pad=2, fontsize=7.5 if len(name) < 18 else 6)
        for ax in panels[len(rows) :]:
            ax.set_visible(False)
        for at in range(max(0, len(rows) - across), len(rows)):
            panels[at].tick_params(labelbottom=True)
        figure.supxlabel("epoch", fontsize=8)
        figure.supylabel("score percentile of negatives", fontsize=8)
    return figure


def draw_hardness(ax: Axes, lines: pd.DataFrame, look: Look) -> None:
    """The quantiles of one row."""
    low, mid, high = (lines[name].to_numpy(float) for name in QUANTILES)
    epochs = lines["epoch"].to_numpy(float)
    ax.fill_between(epochs, low, high, color=look.color, alpha=0.25, linewidth=0)
    ax.plot(epochs, mid, color=look.color)
    ax.axhline(0.5, color="#777777", linewidth=0.7, dashes=(3, 2), zorder=1)
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.5, 1])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    sns.despine(ax=ax)
