"""Figure `convergence`: the validation metric by wall clock and by epoch."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from negbench.evaluation.metric_names import parse_metrics

from ..measures.convergence import convergence, mean_curve
from ..number_format import spelled
from ..runs.frames import Run
from ._palette import Look
from ._style import STYLE, TWO, Plot, across, blocks, legend, nothing, run_looks, stroke

PLACE = 10

AXES = {"wall": "wall clock (s)", "epoch": "epoch"}
"""What a curve may run along, and how it is said; the wall clock first, for it is what one pays."""


def plots(run: Run, metric: str | None = None) -> list[Plot]:
    """Thin a seed, bold their mean as far as all seeds train; the metric is the one that stops.

    `metric` is taken for the sake of one signature: training watches one metric only.
    """
    del metric
    told, looked = convergence(run), run_looks(run)
    if told.empty:
        raise nothing("convergence", "epochs with a validation metric", "train with `run`")
    along = [x for x in AXES if told[x].notna().any()]
    plots = []
    for dataset, backbone, block in blocks(told):
        shown = validated(block)
        says = (
            f"{shown[0].upper()}{shown[1:]} by {' and by '.join(AXES[x] for x in along)}; thin "
            "lines: one seed each; bold: their mean while every seed still trains."
        )
        figure = _figure(block, along, looked)
        name = f"convergence-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, says, figure, block))
    return plots


def validated(block: pd.DataFrame) -> str:
    """What training watched in these lines of `convergence`."""
    return "validation " + spelled(*parse_metrics(str(block["metric"].iloc[0]))[0])


def draw_curves(ax: Axes, block: pd.DataFrame, x: str, looked: Mapping[str, Look]) -> None:
    """The curves of a block along `x`, "wall" or "epoch"."""
    for at, row in enumerate(sorted(block["row"].unique())):
        _curve(ax, block[block["row"] == row], x, looked[row], at)
    ax.set_xlabel(AXES[x])
    ax.set_xlim(left=0)
    ax.grid()
    sns.despine(ax=ax)


def _figure(block: pd.DataFrame, along: list[str], looked: dict[str, Look]) -> Figure:
    rows = sorted(block["row"].unique())
    with mpl.rc_context(STYLE):
        columns = across(rows, TWO, 5)
        height = 2.7 + 0.15 * -(-len(rows) // columns)
        figure = Figure(figsize=(TWO, height), layout="constrained")
        panels = figure.subplots(1, len(along), sharey=True, squeeze=False)[0]
        for ax, x in zip(panels, along, strict=True):
            draw_curves(ax, block, x, looked)
        panels[0].set_ylabel(validated(block))
        legend(figure, rows, looked, columns=columns)
    return figure


def _curve(ax: Axes, block: pd.DataFrame, x: str, look: Look, at: int) -> None:
    for _, seed in block.groupby("seed"):
        ax.plot(seed[x], seed["value"], color=look.color, linewidth=0.4, alpha=0.22, zorder=1)
    mean = mean_curve(block, x)
    stroke(ax, mean["x"], mean["value"], look, at)
