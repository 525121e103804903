"""Figure `convergence`: the validation metric by epoch and by wall clock."""

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from negbench.analysis.canvas import STYLE, TWO, Plot, blocks, legend, run_looks
from negbench.analysis.convergence import convergence, mean_curve
from negbench.analysis.frames import Run
from negbench.analysis.palette import Look
from negbench.analysis.spelling import spelled
from negbench.metrics import parse_metrics


def curves(run: Run, metric: str | None = None) -> list[Plot]:
    """Thin a seed, bold their mean as far as all seeds train; the metric is the one that stops.

    `metric` is taken for the sake of one signature: training watches one metric only.
    """
    del metric
    looked = run_looks(run)
    plots = []
    for dataset, backbone, block in blocks(convergence(run)):
        shown = "validation " + spelled(*parse_metrics(str(block["metric"].iloc[0]))[0])
        says = (
            f"{shown[0].upper()}{shown[1:]} by epoch and by wall clock; thin lines: one seed each; "
            "bold: their mean while every seed still trains."
        )
        figure = _draw(block, looked, shown)
        name = f"convergence-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, says, figure, block))
    return plots


def _draw(block: pd.DataFrame, looked: dict[str, Look], shown: str) -> Figure:
    rows = sorted(block["row"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(TWO, 2.7 + 0.15 * -(-len(rows) // 5)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for ax, x, label in ((left, "epoch", "epoch"), (right, "wall", "wall clock (s)")):
            for at, row in enumerate(rows):
                _curve(ax, block[block["row"] == row], x, looked[row], at)
            ax.set_xlabel(label)
            ax.set_xlim(left=0)
            ax.grid()
            sns.despine(ax=ax)
        left.set_ylabel(shown)
        legend(figure, rows, looked, columns=5)
    return figure


def _curve(ax: Axes, block: pd.DataFrame, x: str, look: Look, at: int) -> None:
    for _, seed in block.groupby("seed"):
        ax.plot(seed[x], seed["value"], color=look.color, linewidth=0.4, alpha=0.22, zorder=1)
    mean = mean_curve(block, x)
    step = max(1, len(mean) // 3)
    ax.plot(
        mean["x"],
        mean["value"],
        color=look.color,
        marker=look.marker,
        # Three markers a line, at other places than its neighbours'.
        markevery=(at % step, step),
        markersize=3.5,
        dashes=look.dashes or (None, None),
    )
