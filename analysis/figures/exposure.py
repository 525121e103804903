"""Figure `exposure`: the share of recommendations on the most popular items, from one to all."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ..measures.exposure import exposure, popularity
from ..runs.frames import MetricLike, Run
from ._legend import Entry, draw_legend, legend_height, mark, rest_entry, row_entries
from ._named_rows import NamedRows, named_rows
from ._style import (
    ONE,
    RC_PARAMS,
    Plot,
    blocks,
    counts_by_decade,
    draw_line,
    title_of,
    titled_figure,
    width_of,
)
from .popularity_curve import band_cuts

PLACE = 11

TRAIN: Mapping[str, object] = {"color": "#BBBBBB", "linewidth": 4}
EVEN: Mapping[str, object] = {"color": "#555555", "linestyle": ":", "linewidth": 1}


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A curve a row; wide grey: the same of the train part; dotted: all items alike.

    `metric` chooses the rows that are named.
    """
    popular = popularity(run)
    caption = (
        "Share of all recommendations that the n most popular items of the train part have; wide "
        "grey line: their share of the train interactions; dotted: all items shown alike; "
        "vertical: cuts of the bands; lists of all seeds together; the legend stands in the order "
        "of the curves at the first cut."
    )
    plots = []
    for dataset, backbone, block in blocks(exposure(run)):
        cuts = band_cuts(popular[popular["dataset"] == dataset])
        named, width = named_rows(run, metric, block), width_of(run, ONE)
        key = [*row_entries(_by_share(block, cuts, named), named.styles), *_marks(named)]
        with mpl.rc_context(RC_PARAMS):
            title = title_of(dataset, backbone, "items in recommended lists")
            figure = titled_figure(width, 2.5 + legend_height(key, width), title)
            draw_exposure(figure.subplots(), block, cuts, named)
            draw_legend(figure, key, width)
        name = f"exposure-{dataset}-{backbone}"
        text = f"{caption} {named.sentence}".strip()
        plots.append(Plot(name, dataset, backbone, text, figure, block))
    return plots


def _marks(named: NamedRows) -> list[Entry]:
    train, even = mark("train interactions", **TRAIN), mark("all items alike", **EVEN)
    return [*rest_entry(named.rest), *train, *even]


def _by_share(block: pd.DataFrame, cuts: Mapping[str, int], named: NamedRows) -> list[str]:
    """The named rows by falling share of the first band, as their curves stand at its cut."""
    until = block[block["n"] <= next(iter(cuts.values()))]
    shares = until.groupby("row")["shown"].max().sort_values(ascending=False, kind="stable")
    return [str(row) for row in shares.index if row in named.rows]


def draw_exposure(ax: Axes, block: pd.DataFrame, cuts: Mapping[str, int], named: NamedRows) -> None:
    """Draw the curves of a block; `cuts` maps each band to its last place."""
    for at, row in enumerate(named.order(block["row"].unique())):
        lines = block[block["row"] == row]
        if not at:
            ax.plot(lines["n"], lines["train"], zorder=1, **TRAIN)  # type: ignore[arg-type]
            ax.plot(lines["n"], lines["even"], **EVEN)  # type: ignore[arg-type]
        draw_line(ax, lines["n"], lines["shown"], named.styles[row], 3 * at)
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
