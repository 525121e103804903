"""Figure `adar-path`: synthesised negatives from noise to their positive, and where they stop."""

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..measures.synthesis_path import path
from ..runs.frames import MetricLike, Run
from ._legend import draw_legend, legend_height, mark, rest_entry, row_entries
from ._named_rows import NamedRows, named_rows
from ._style import (
    RC_PARAMS,
    TWO,
    Plot,
    blocks,
    draw_line,
    nothing_to_plot,
    panels,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 8

RARE = 0.01
"""Gap and rate of a bin with a smaller share of the negatives are too noisy to be drawn."""
PANELS = {
    "gap": "score gap",
    "fnr": "false-negative rate",
    "share": "share of negatives",
}


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """One line a method that synthesises; means over epochs and seeds.

    `metric` chooses the rows that are named. Raises NothingToReport if no method synthesised
    negatives.
    """
    frame = path(run)
    if frame.empty:
        raise nothing_to_plot(
            "adar-path", "synthesised negatives", "run adar, or another that generates"
        )
    plots = []
    for dataset, backbone, block in blocks(frame):
        named = named_rows(run, metric, block)
        caption = (
            "Synthesised negatives by their place between noise (0: some item) and their positive "
            "(1): mean score gap (negative minus positive), rate of false negatives by the nearest "
            f"item not had ({block['knowledge'].iloc[0]}), both where a hundredth of the negatives "
            "or more lies, and share; dotted: the mean place r that the method "
            f"chose; means over epochs and seeds. {named.sentence}"
        ).strip()
        name = f"adar-path-{dataset}-{backbone}"
        title = title_of(dataset, backbone, "synthesised negatives")
        figure = _figure(block, named, title, width_of(run, TWO))
        plots.append(Plot(name, dataset, backbone, caption, figure, block))
    return plots


def _figure(block: pd.DataFrame, named: NamedRows, title: str, width: float) -> Figure:
    chosen = "place r that a row chose" if block["chosen"].notna().any() else ""
    key = [*row_entries(list(named.rows), named.styles), *rest_entry(named.rest)]
    key += mark(chosen, linewidth=0.9, linestyle=":")
    with mpl.rc_context(RC_PARAMS):
        height = 2.2 if width >= TWO else 1.7 * len(PANELS)
        figure = titled_figure(width, height + legend_height(key, width), title)
        for ax, (part, label) in zip(panels(figure, len(PANELS)), PANELS.items(), strict=True):
            _draw(ax, block, part, named)
            ax.set_ylabel(label)
        draw_legend(figure, key, width)
    return figure


def _draw(ax: Axes, block: pd.DataFrame, part: str, named: NamedRows) -> None:
    for at, row in enumerate(named.order(block["row"].unique())):
        lines = block[block["row"] == row].dropna(subset=[part]).sort_values("place")
        chosen = lines["chosen"].mean()
        if part != "share":
            lines = lines[lines["share"] >= RARE]
        draw_line(ax, lines["place"], lines[part], named.styles[row], at)
        if pd.notna(chosen):
            ax.axvline(
                chosen, color=named.styles[row].color, linewidth=0.9, linestyle=":", zorder=1
            )
    if part != "gap":
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if part == "share" else 1))
    ax.set_xlim(0, 1)
    ax.set_xlabel("place: 0 noise, 1 positive")
    ax.grid()
    sns.despine(ax=ax)
