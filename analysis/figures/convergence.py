"""Figure `convergence`: the validation metric by wall clock and by epoch."""

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from negbench.evaluation.metric_names import Metric

from ..measures.convergence import convergence, mean_curve
from ..number_format import metric_label
from ..runs.frames import TRAINING, MetricLike, Run
from ._end_labels import LINE, EndLabel, draw_end_labels
from ._legend import draw_legend, legend_height, rest_entry
from ._named_rows import NamedRows, named_rows
from ._palette import Style
from ._style import (
    RC_PARAMS,
    TWO,
    Plot,
    blocks,
    draw_line,
    nothing_to_plot,
    panels,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 10

AXES = {"wall": "wall clock (s)", "epoch": "epoch"}
"""The x axes and their labels; the wall clock first, for it is the cost."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A thin line a seed, a bold one their mean while all seeds train.

    Rows that were validated by different metrics stand in figures of their own. `metric` chooses
    the rows that are named; the curves show the metric of early stopping. Raises NothingToReport if
    no epoch was validated.
    """
    frame = convergence(run)
    if frame.empty:
        raise nothing_to_plot("convergence", "epochs with a validation metric", "train with `run`")
    along = [x for x in AXES if frame[x].notna().any()]
    plots = []
    for dataset, backbone, lines in blocks(frame):
        metrics = list(dict.fromkeys(lines["metric"]))
        for name in metrics:
            block = lines[lines["metric"] == name].reset_index(drop=True)
            label, named = validation_label(block), named_rows(run, metric, block)
            caption = (
                f"{label[0].upper()}{label[1:]} by {' and by '.join(AXES[x] for x in along)}; thin "
                "lines: one seed each; bold: their mean while every seed still trains. "
                f"{named.sentence}"
            ).strip()
            title = title_of(dataset, backbone, label)
            figure = _figure(block, along, named, title, width_of(run, TWO))
            stem = "-".join(["convergence", dataset, backbone, *([name] * (len(metrics) > 1))])
            plots.append(Plot(stem, dataset, backbone, caption, figure, block))
    return plots


def validation_label(block: pd.DataFrame) -> str:
    """The axis label of the metric in these lines of `convergence`."""
    return "validation " + metric_label(Metric.recorded(str(block["metric"].iloc[0])))


def draw_curves(ax: Axes, block: pd.DataFrame, x: str, named: NamedRows) -> list[EndLabel]:
    """Draw the curves of a block along `x`, "wall" or "epoch"; the labels of their ends."""
    labels = []
    for at, row in enumerate(named.order(block["row"].unique())):
        style = named.styles[row]
        end = _curve(ax, block[block["row"] == row], x, style, at, seeds=row in named.rows)
        if row in named.rows and end is not None:
            labels.append(EndLabel(short_names([row])[0], end[1], style, end[0]))
    ax.set_xlabel(AXES[x])
    ax.set_xlim(left=0)
    if x == "epoch":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid()
    sns.despine(ax=ax)
    return labels


def _figure(
    block: pd.DataFrame, along: list[str], named: NamedRows, title: str, width: float
) -> Figure:
    key = rest_entry(named.rest)
    panel = max(1.9, LINE * (len(named.rows) + 1))
    down = len(along) if width < TWO else 1
    with mpl.rc_context(RC_PARAMS):
        height = down * (panel + 0.45) + legend_height(key, width)
        figure = titled_figure(width, height, title)
        axes = panels(figure, len(along), sharey=True)
        labels = [draw_curves(ax, block, x, named) for ax, x in zip(axes, along, strict=True)]
        for ax in axes if down > 1 else axes[:1]:
            ax.set_ylabel(validation_label(block))
        draw_legend(figure, key, width)
        for ax, of_panel in zip(axes, labels, strict=True):
            draw_end_labels(ax, of_panel)
    return figure


def _curve(
    ax: Axes, block: pd.DataFrame, x: str, style: Style, at: int, *, seeds: bool
) -> tuple[float, float] | None:
    """One row: its seeds, if asked, and their mean, whose end is returned."""
    for _, seed in block.groupby(TRAINING) if seeds else ():
        ax.plot(seed[x], seed["value"], color=style.color, linewidth=0.4, alpha=0.3, zorder=1.7)
    mean = mean_curve(block, x).dropna(subset=["x"])
    draw_line(ax, mean["x"], mean["value"], style, at)
    return (float(mean["x"].iloc[-1]), float(mean["value"].iloc[-1])) if len(mean) else None
