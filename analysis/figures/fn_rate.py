"""Figure `fn-rate`: the share of false negatives by epoch, of all used ones and of the hard."""

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
from ._end_labels import LINE, EndLabel, draw_end_labels
from ._legend import Entry, draw_legend, legend_height, mark, rest_entry
from ._named_rows import NamedRows, named_rows
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

    `metric` chooses the rows that are named.
    """
    frame = rates(run)
    plots = []
    for dataset, backbone, block in blocks(frame):
        named = named_rows(run, metric, block)
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
            f"{not_shown(run, dataset, backbone)} {named.sentence}"
        ).strip()
        name = f"fn-rate-{dataset}-{backbone}"
        title = title_of(dataset, backbone, rate_label(block))
        figure = _figure(block, named, title, width_of(run, TWO))
        plots.append(Plot(name, dataset, backbone, caption, figure, block))
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


def draw_rate(ax: Axes, block: pd.DataFrame, part: str, named: NamedRows) -> list[EndLabel]:
    """Draw one rate of a block by epoch: a window of several epochs is a level piece.

    Returns the labels of the named rows.
    """
    lines, labels = block[block["part"] == part], []
    for at, row in enumerate(named.order(lines["row"].unique())):
        own, style = lines[lines["row"] == row], named.styles[row]
        pieces = own.loc[own.index.repeat(1 + (own["last"] > own["first"]))]
        x = np.where(pieces.index.duplicated(), pieces["last"], pieces["first"])
        draw_line(ax, x, pieces["rate"], style, at)
        if row not in named.rows:
            continue
        labels.append(
            EndLabel(short_names([row])[0], float(pieces["rate"].iloc[-1]), style, float(x[-1]))
        )
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
    ax.plot(uniform.index, uniform, zorder=1, **UNIFORM)  # type: ignore[arg-type]
    _scale(ax, float(lines["rate"].max()), float(uniform.mean()))
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.set_xlim(left=0)
    ax.grid()
    sns.despine(ax=ax)
    return labels


UNIFORM = {"color": "#9A9A9A", "linewidth": 3, "alpha": 0.6}
"""The look of the rate of uniform draws."""
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


def _figure(block: pd.DataFrame, named: NamedRows, title: str, width: float) -> Figure:
    parts = [part for part in PARTS if (block["part"] == part).any()]
    key = _key(block, named)
    down = len(parts) if width < TWO else 1
    with mpl.rc_context(RC_PARAMS):
        panel = max(1.9, LINE * (len(named.rows) + 1)) + 0.6
        figure = titled_figure(width, down * panel + legend_height(key, width), title)
        axes = panels(figure, len(parts))
        labels = [draw_rate(ax, block, part, named) for ax, part in zip(axes, parts, strict=True)]
        for ax, part in zip(axes, parts, strict=True):
            ax.set_title(PARTS[part], pad=3)
        for ax in axes if down > 1 else axes[:1]:
            ax.set_ylabel(rate_label(block))
        draw_legend(figure, key, width)
        for ax, of_panel in zip(axes, labels, strict=True):
            draw_end_labels(ax, of_panel)
    return figure


def _key(block: pd.DataFrame, named: NamedRows) -> list[Entry]:
    """What the marks mean that are no row."""
    closed = "a row in closed form" if block["closed"].notna().any() else ""
    return [
        *mark("uniform draws", **UNIFORM),
        *mark(closed, linewidth=0.9, dashes=(4, 2)),
        *rest_entry(named.rest),
    ]
