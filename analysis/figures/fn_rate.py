"""Figure `fn-rate`: the share of false negatives by epoch, of all used ones and of the hard."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogLocator, PercentFormatter

from ..measures import false_negatives
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

PLACE = 6

PARTS = {"fnr": "all negatives", "fhnr": "hard negatives"}
EXPECTED = "fnr_expected"
KNOWLEDGE = {
    false_negatives.EXACT: "exact, for the data hold the truth",
    false_negatives.LOWER: "a lower bound, for positives that nobody recorded stay unknown",
}


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """Means over seeds; grey is the rate of uniform sampling, in closed form.

    `metric` is unused; every kind has the same signature.
    """
    del metric
    frame, styles = mean_rates(run), row_styles(run)
    plots = []
    for dataset, backbone, block in blocks(frame):
        caption = (
            "Share of the used negatives that are held-out positives of their user, by epoch: of "
            "all, and of those in the top tenth of the user's scores; "
            f"{KNOWLEDGE[bound(block)]}; wide grey line: uniform draws from all that a user has "
            "not had, in closed form; means over seeds."
        )
        name = f"fn-rate-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, caption, _figure(block, styles), block))
    return plots


def mean_rates(run: Run) -> pd.DataFrame:
    """The rates by row and epoch, means over seeds. Raises NothingToReport if none was probed."""
    frame = false_negatives.by_epoch(run)
    if frame["fnr"].notna().sum() == 0:
        raise nothing_to_plot(
            "fn-rate", "epochs with a false-negative rate", "run it with --probe sample"
        )
    return frame


def bound(block: pd.DataFrame) -> str:
    """Whether the rates of one data set are "exact" or a "lower bound"."""
    return str(block["knowledge"].iloc[0])


def rate_label(block: pd.DataFrame) -> str:
    """The axis label of the rate."""
    return f"false-negative rate ({bound(block)})"


def draw_rate(ax: Axes, block: pd.DataFrame, part: str, styles: Mapping[str, Style]) -> None:
    """Draw one rate of a block by epoch, on a log scale if any is above zero."""
    for at, row in enumerate(sorted(block["row"].unique())):
        lines = block[block["row"] == row].dropna(subset=[part])
        draw_line(ax, lines["epoch"], lines[part], styles[row], at)
    # The expected rates of rows differ only by the users in their probed steps.
    uniform = block.groupby("epoch")[EXPECTED].mean()
    ax.plot(uniform.index, uniform, color="#9A9A9A", linewidth=3, alpha=0.6, zorder=1)
    _percent(ax, log=bool((block[part] > 0).any()))
    ax.set_xlabel("epoch")
    ax.set_xlim(left=0)
    ax.grid()
    sns.despine(ax=ax)


class _Percent(LogFormatter):
    """Tick labels of a log axis in percent."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        del pos
        return f"{100 * x:.3g}%"


def _percent(ax: Axes, log: bool) -> None:
    if not log:
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        return
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    subs = (1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 7)
    ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=20))
    ax.yaxis.set_major_formatter(_Percent())
    ax.yaxis.set_minor_locator(LogLocator(subs=()))


def _figure(block: pd.DataFrame, styles: Mapping[str, Style]) -> Figure:
    rows = sorted(block["row"].unique())
    parts = [part for part in PARTS if block[part].notna().any()]
    with mpl.rc_context(RC_PARAMS):
        columns = legend_columns(rows, TWO, 5)
        height = 2.7 + 0.15 * -(-len(rows) // columns)
        figure = Figure(figsize=(TWO, height), layout="constrained")
        panels = figure.subplots(1, len(parts), squeeze=False)[0]
        for ax, part in zip(panels, parts, strict=True):
            draw_rate(ax, block, part, styles)
            ax.set_title(PARTS[part], pad=3)
        panels[0].set_ylabel(rate_label(block))
        legend(figure, rows, styles, columns=columns)
    return figure
