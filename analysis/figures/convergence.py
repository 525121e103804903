"""Figure `convergence`: the validation metric by wall clock and by epoch."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from negbench.evaluation.metric_names import parse_metrics

from ..measures.convergence import convergence, mean_curve
from ..number_format import metric_label
from ..runs.frames import TRAINING, MetricLike, Run
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

PLACE = 10

AXES = {"wall": "wall clock (s)", "epoch": "epoch"}
"""The x axes and their labels; the wall clock first, for it is the cost."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A thin line a seed, a bold one their mean while all seeds train.

    `metric` is unused: the curves show the metric of early stopping. Raises NothingToReport if no
    epoch was validated.
    """
    del metric
    frame, styles = convergence(run), row_styles(run)
    if frame.empty:
        raise nothing_to_plot("convergence", "epochs with a validation metric", "train with `run`")
    along = [x for x in AXES if frame[x].notna().any()]
    plots = []
    for dataset, backbone, block in blocks(frame):
        label = validation_label(block)
        caption = (
            f"{label[0].upper()}{label[1:]} by {' and by '.join(AXES[x] for x in along)}; thin "
            "lines: one seed each; bold: their mean while every seed still trains."
        )
        figure = _figure(block, along, styles)
        name = f"convergence-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, caption, figure, block))
    return plots


def validation_label(block: pd.DataFrame) -> str:
    """The axis label of the metric in these lines of `convergence`."""
    return "validation " + metric_label(parse_metrics(str(block["metric"].iloc[0]))[0])


def draw_curves(ax: Axes, block: pd.DataFrame, x: str, styles: Mapping[str, Style]) -> None:
    """Draw the curves of a block along `x`, "wall" or "epoch"."""
    for at, row in enumerate(sorted(block["row"].unique())):
        _curve(ax, block[block["row"] == row], x, styles[row], at)
    ax.set_xlabel(AXES[x])
    ax.set_xlim(left=0)
    ax.grid()
    sns.despine(ax=ax)


def _figure(block: pd.DataFrame, along: list[str], styles: dict[str, Style]) -> Figure:
    rows = sorted(block["row"].unique())
    with mpl.rc_context(RC_PARAMS):
        columns = legend_columns(rows, TWO, 5)
        height = 2.7 + 0.15 * -(-len(rows) // columns)
        figure = Figure(figsize=(TWO, height), layout="constrained")
        panels = figure.subplots(1, len(along), sharey=True, squeeze=False)[0]
        for ax, x in zip(panels, along, strict=True):
            draw_curves(ax, block, x, styles)
        panels[0].set_ylabel(validation_label(block))
        legend(figure, rows, styles, columns=columns)
    return figure


def _curve(ax: Axes, block: pd.DataFrame, x: str, style: Style, at: int) -> None:
    for _, seed in block.groupby(TRAINING):
        ax.plot(seed[x], seed["value"], color=style.color, linewidth=0.4, alpha=0.22, zorder=1)
    mean = mean_curve(block, x)
    draw_line(ax, mean["x"], mean["value"], style, at)
