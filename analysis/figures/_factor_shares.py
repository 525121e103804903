"""The figure of `negbench factors`: a bar for each share of the variance, a panel a band.

It is no kind of `negbench plot`: runs under several objectives are read by `factors` alone.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..number_format import metric_label
from ..statistics.variance_split import SEEDS
from ..tables.factors import Factors, FactorsBlock
from ._style import INK, RC_PARAMS, TWO, Plot, title_of, titled_figure

MAIN, INTERACTION, CHANCE = "#0072B2", "#8DB7D1", "#C4C4C4"
"""Main effects, interactions, seeds."""
LOWEST = -0.02
"""Where the axis begins: a share may be a little below 0."""


def factor_plots(page: Factors, width: float = TWO) -> list[Plot]:
    """A figure for each data set."""
    return [_plot(page, block, width) for block in page.blocks if block.splits]


def _plot(page: Factors, block: FactorsBlock, width: float) -> Plot:
    dataset, metric = block.design.dataset, metric_label(page.metric)
    frame = page.frame[page.frame["dataset"] == dataset].reset_index(drop=True)
    caption = (
        f"Shares of the variance of {metric} on {dataset} over {block.size}: omega squared of "
        "fixed factors with 95 % intervals by a bootstrap over users and seeds; dark: main "
        "effects, light: interactions, grey: seeds."
    )
    title = title_of(dataset, "", f"variance of {metric}")
    figure = _figure(block, frame, title, width)
    return Plot(f"factors-{dataset}", dataset, "", caption, figure, frame)


def _figure(block: FactorsBlock, frame: pd.DataFrame, title: str, width: float) -> Figure:
    names = [block.name(effect) for effect in block.effects]
    colors = [
        CHANCE if effect == SEEDS else MAIN if len(effect) == 1 else INTERACTION
        for effect in block.effects
    ]
    most = float(np.nanmax(frame[["omega2", "high"]].to_numpy(), initial=0.1))
    with mpl.rc_context(RC_PARAMS):
        figure = titled_figure(width, 0.55 + 0.19 * len(names), title)
        axes = figure.subplots(1, len(block.splits), sharey=True, squeeze=False).ravel()
        for ax, band in zip(axes, block.splits, strict=True):
            _bars(ax, frame[frame["band"] == band], colors)
            ax.set_title(band, pad=3, fontsize=8)
            ax.set_xlim(LOWEST, 1.04 * most)
        axes[0].set_yticks(range(len(names)), names)
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        figure.supxlabel("share of the variance", fontsize=8)
    return figure


def _bars(ax: Axes, lines: pd.DataFrame, colors: list[str]) -> None:
    share, low, high = (lines[name].to_numpy(float) for name in ("omega2", "low", "high"))
    at = np.arange(len(share))
    ax.barh(at, share, 0.72, color=colors)
    ax.hlines(at, low, high, color=INK, linewidth=0.9)
    ax.axvline(0, color=INK, linewidth=0.6)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)
