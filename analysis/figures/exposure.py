"""Figure `exposure`: the share of recommendations on the most popular items, from one to all."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..measures.exposure import exposure, popularity
from ..runs.frames import MetricLike, Run
from ._palette import Style
from ._style import (
    ONE,
    RC_PARAMS,
    Plot,
    blocks,
    counts_by_decade,
    draw_line,
    legend,
    legend_columns,
    row_styles,
)
from .popularity_curve import band_cuts

PLACE = 11


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A curve a row; wide grey: the same of the train part; dotted: all items alike.

    `metric` is unused; every kind has the same signature.
    """
    del metric
    styles, popular = row_styles(run), popularity(run)
    caption = (
        "Share of all recommendations that the n most popular items of the train part have; wide "
        "grey line: their share of the train interactions; dotted: all items shown alike; "
        "vertical: cuts of the bands; lists of all seeds together."
    )
    plots = []
    for dataset, backbone, block in blocks(exposure(run)):
        cuts = band_cuts(popular[popular["dataset"] == dataset])
        rows = sorted(block["row"].unique())
        with mpl.rc_context(RC_PARAMS):
            columns = legend_columns(rows, ONE, 2)
            height = 2.5 + 0.16 * -(-len(rows) // columns)
            figure = Figure(figsize=(ONE, height), layout="constrained")
            draw_exposure(figure.subplots(), block, cuts, styles)
            legend(figure, rows, styles, columns=columns)
        name = f"exposure-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, caption, figure, block))
    return plots


def draw_exposure(
    ax: Axes, block: pd.DataFrame, cuts: Mapping[str, int], styles: Mapping[str, Style]
) -> None:
    """Draw the curves of a block; `cuts` maps each band to its last place."""
    for at, (row, lines) in enumerate(block.groupby("row", sort=False)):
        if not at:
            ax.plot(lines["n"], lines["train"], color="#BBBBBB", linewidth=4, zorder=1)
            ax.plot(lines["n"], lines["even"], color="#555555", linestyle=":", linewidth=1)
        draw_line(ax, lines["n"], lines["shown"], styles[str(row)], 3 * at)
    for last in list(cuts.values())[:-1]:
        ax.axvline(last, color="#AAAAAA", linewidth=0.7, zorder=0)
    ax.set_xscale("log")
    counts_by_decade(ax.xaxis)
    ax.set_xlim(left=1)
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("items, most popular first")
    ax.set_ylabel("share of recommendations")
    sns.despine(ax=ax)
