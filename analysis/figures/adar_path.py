"""Figure `adar-path`: synthesised negatives from noise to their positive, and where they stop."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..measures.synthesis_path import path
from ..runs.frames import Run
from ._palette import Look
from ._style import STYLE, TWO, Plot, across, blocks, legend, nothing, run_looks, stroke

PLACE = 8

RARE = 0.01
"""A bin with a smaller share of the negatives says too little of its gap and rate to be drawn."""
PANELS = {
    "gap": "score of the negative - positive",
    "fnr": "false-negative rate",
    "share": "share of the negatives",
}


def plots(run: Run, metric: str | None = None) -> list[Plot]:
    """One line a method that synthesises; means over epochs and seeds.

    `metric` is taken for the sake of one signature.
    """
    del metric
    told, looked = path(run), run_looks(run)
    if told.empty:
        raise nothing("adar-path", "synthesised negatives", "run adar, or another that generates")
    plots = []
    for dataset, backbone, block in blocks(told):
        says = (
            "Synthesised negatives by their place between noise (0: some item) and their positive "
            "(1): mean score gap, rate of false negatives by the nearest item not had "
            f"({block['knowledge'].iloc[0]}), both where a hundredth of the negatives or more "
            "lies, and share; dotted: the mean place r that the method "
            "chose; means over epochs and seeds."
        )
        name = f"adar-path-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, says, _figure(block, looked), block))
    return plots


def _figure(block: pd.DataFrame, looked: Mapping[str, Look]) -> Figure:
    rows = sorted(block["row"].unique())
    with mpl.rc_context(STYLE):
        columns = across(rows, TWO, 5)
        height = 2.5 + 0.15 * -(-len(rows) // columns)
        figure = Figure(figsize=(TWO, height), layout="constrained")
        for ax, (part, says) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
            _draw(ax, block, part, looked)
            ax.set_ylabel(says)
        legend(figure, rows, looked, columns=columns)
    return figure


def _draw(ax: Axes, block: pd.DataFrame, part: str, looked: Mapping[str, Look]) -> None:
    for at, row in enumerate(sorted(block["row"].unique())):
        lines = block[block["row"] == row].dropna(subset=[part]).sort_values("place")
        chosen = lines["chosen"].mean()
        if part != "share":
            lines = lines[lines["share"] >= RARE]
        stroke(ax, lines["place"], lines[part], looked[row], at)
        if pd.notna(chosen):
            ax.axvline(chosen, color=looked[row].color, linewidth=0.9, linestyle=":", zorder=1)
    if part != "gap":
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if part == "share" else 1))
    ax.set_xlim(0, 1)
    ax.set_xlabel("noise - place - positive")
    ax.grid()
    sns.despine(ax=ax)
