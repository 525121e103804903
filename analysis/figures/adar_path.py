"""Figure `adar-path`: synthesised negatives from noise to their positive, and where they stop."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..measures.synthesis_path import path
from ..runs.frames import MetricLike, Run
from ._palette import Style
from ._style import (
    RC_PARAMS,
    TWO,
    Plot,
    blocks,
    draw_line,
    legend,
    legend_columns,
    nothing_to_plot,
    row_styles,
)

PLACE = 8

RARE = 0.01
"""Gap and rate of a bin with a smaller share of the negatives are too noisy to be drawn."""
PANELS = {
    "gap": "score of the negative - positive",
    "fnr": "false-negative rate",
    "share": "share of the negatives",
}


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """One line a method that synthesises; means over epochs and seeds.

    `metric` is unused; every kind has the same signature. Raises NothingToReport if no method
    synthesised negatives.
    """
    del metric
    frame, styles = path(run), row_styles(run)
    if frame.empty:
        raise nothing_to_plot(
            "adar-path", "synthesised negatives", "run adar, or another that generates"
        )
    plots = []
    for dataset, backbone, block in blocks(frame):
        caption = (
            "Synthesised negatives by their place between noise (0: some item) and their positive "
            "(1): mean score gap, rate of false negatives by the nearest item not had "
            f"({block['knowledge'].iloc[0]}), both where a hundredth of the negatives or more "
            "lies, and share; dotted: the mean place r that the method "
            "chose; means over epochs and seeds."
        )
        name = f"adar-path-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, caption, _figure(block, styles), block))
    return plots


def _figure(block: pd.DataFrame, styles: Mapping[str, Style]) -> Figure:
    rows = sorted(block["row"].unique())
    with mpl.rc_context(RC_PARAMS):
        columns = legend_columns(rows, TWO, 5)
        height = 2.5 + 0.15 * -(-len(rows) // columns)
        figure = Figure(figsize=(TWO, height), layout="constrained")
        for ax, (part, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
            _draw(ax, block, part, styles)
            ax.set_ylabel(label)
        legend(figure, rows, styles, columns=columns)
    return figure


def _draw(ax: Axes, block: pd.DataFrame, part: str, styles: Mapping[str, Style]) -> None:
    for at, row in enumerate(sorted(block["row"].unique())):
        lines = block[block["row"] == row].dropna(subset=[part]).sort_values("place")
        chosen = lines["chosen"].mean()
        if part != "share":
            lines = lines[lines["share"] >= RARE]
        draw_line(ax, lines["place"], lines[part], styles[row], at)
        if pd.notna(chosen):
            ax.axvline(chosen, color=styles[row].color, linewidth=0.9, linestyle=":", zorder=1)
    if part != "gap":
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if part == "share" else 1))
    ax.set_xlim(0, 1)
    ax.set_xlabel("noise - place - positive")
    ax.grid()
    sns.despine(ax=ax)
