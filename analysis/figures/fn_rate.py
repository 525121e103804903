"""Figure `fn-rate`: the share of false negatives by epoch, of all used ones and of the hard."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter, SymmetricalLogLocator

from ..measures import false_negatives
from ..runs.frames import MetricLike, Run
from ..runs.without_negatives import how_to_get_some, not_shown
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
KNOWLEDGE = {
    false_negatives.EXACT: "exact, for the data hold the truth",
    false_negatives.LOWER: "a lower bound, for positives that nobody recorded stay unknown",
}
COUNTED = (
    "seeds are pooled, and epochs until at least 30 false negatives are expected of uniform draws; "
    "bands: 95 % intervals of these counts (Korn-Graubard, rows as clusters; one negative a row: "
    "Clopper-Pearson)"
)
NOT_COUNTED = (
    "means over seeds; how well they are known was not recorded (cells of an older negbench)"
)
SPREAD = 20
"""From this ratio of the highest rate to that of uniform draws on, the axis is logarithmic above
the latter, and linear below it, down to 0."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """Rates by epoch with their intervals; grey is the rate of uniform sampling, in closed form.

    `metric` is unused; every kind has the same signature.
    """
    del metric
    frame, styles = rates(run), row_styles(run)
    plots = []
    for dataset, backbone, block in blocks(frame):
        counted = block["count"].notna()
        how = [COUNTED] * bool(counted.any()) + [NOT_COUNTED] * bool((~counted).any())
        closed = (
            "; dashed: the rate of a row's own draws in closed form"
            if block["closed"].notna().any()
            else ""
        )
        caption = (
            "Share of the used negatives that are held-out positives of their user, by epoch: of "
            "all, and of those in the top tenth of the user's scores; "
            f"{KNOWLEDGE[bound(block)]}; {'; '.join(how)}; wide grey line: uniform draws from all "
            f"that a user has not had, in closed form{closed}. "
            f"{not_shown(run, dataset, backbone)}"
        ).strip()
        name = f"fn-rate-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, caption, _figure(block, styles), block))
    return plots


def rates(run: Run) -> pd.DataFrame:
    """The rates by row and window of epochs. Raises NothingToReport if none was probed."""
    frame = false_negatives.over_training(run)
    if not (frame["part"] == "fnr").any():
        raise nothing_to_plot("fn-rate", "epochs with a false-negative rate", how_to_get_some(run))
    return frame


def bound(block: pd.DataFrame) -> str:
    """Whether the rates of one data set are "exact" or a "lower bound"."""
    return str(block["knowledge"].iloc[0])


def rate_label(block: pd.DataFrame) -> str:
    """The axis label of the rate."""
    return f"false-negative rate ({bound(block)})"


def draw_rate(ax: Axes, block: pd.DataFrame, part: str, styles: Mapping[str, Style]) -> None:
    """Draw one rate of a block by epoch: a window of several epochs is a level piece."""
    lines = block[block["part"] == part]
    for at, row in enumerate(sorted(lines["row"].unique())):
        own, style = lines[lines["row"] == row], styles[row]
        pieces = own.loc[own.index.repeat(1 + (own["last"] > own["first"]))]
        x = np.where(pieces.index.duplicated(), pieces["last"], pieces["first"])
        draw_line(ax, x, pieces["rate"], style, at)
        ax.fill_between(
            x,
            pieces["rate_low"].astype(float),
            pieces["rate_high"].astype(float),
            color=style.color,
            alpha=0.15,
            linewidth=0,
            zorder=0,
        )
        closed = own["closed"].dropna()
        if len(closed):
            ends = [own["first"].min(), own["last"].max()]
            level = [closed.iloc[0]] * 2
            ax.plot(ends, level, color=style.color, linewidth=0.9, dashes=(4, 2), label=CLOSED)
    # The expected rates of rows differ only by the users in their probed steps.
    uniform = block.groupby("first")["expected"].mean()
    ax.plot(uniform.index, uniform, color="#9A9A9A", linewidth=3, alpha=0.6, zorder=1)
    _scale(ax, float(lines["rate"].max()), float(uniform.mean()))
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.set_xlim(left=0)
    ax.grid()
    sns.despine(ax=ax)


CLOSED = "_closed form"
"""The artist label of the dashed lines; the underscore keeps it out of legends."""


def _scale(ax: Axes, highest: float, uniform: float) -> None:
    """An axis from 0, so that a rate of zero is seen; intervals above it may be cut."""
    if uniform > 0 and highest > SPREAD * uniform:
        ax.set_yscale("symlog", linthresh=uniform)
        ax.yaxis.set_major_locator(SymmetricalLogLocator(linthresh=uniform, base=10, subs=(1, 3)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.2g}%"))
    else:
        ax.yaxis.set_major_formatter(PercentFormatter(1))
    top = 1.6 * max(highest, uniform)
    ax.set_ylim(0, min(top, ax.get_ylim()[1]) if top > 0 else None)


def _figure(block: pd.DataFrame, styles: Mapping[str, Style]) -> Figure:
    rows = sorted(block["row"].unique())
    parts = [part for part in PARTS if (block["part"] == part).any()]
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
