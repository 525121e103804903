"""Figure `tuning-shares`: how much each searched parameter moves the validation value."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from ..runs.frames import REFERENCE, MetricLike, Run
from ..tuning.anova import FEWEST, Shares
from ..tuning.page import TuningBlock
from ..tuning.searches import Searched
from ._legend import Entry, draw_legend, legend_height
from ._search_blocks import left_out, place, protocol, search_blocks, stem
from ._style import (
    RC_PARAMS,
    TWO,
    Plot,
    nothing_to_plot,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 17

REST = "interactions and noise"
OWN = "the row's own, named where there is room"
COLORS: Mapping[str, str] = {"lr": "#0072B2", "l2": "#E69F00", OWN: "#66AA99", REST: "#E4E4E4"}
CROWDED = 20
"""With more rows than these they stand closer, in smaller type."""
LETTER = 0.062
"""Inches of a letter inside a bar."""
NONE = f"fewer than {FEWEST} trials, or the model predicts none that it has not seen"

ROOM = 1.4
"""Inches of the names of rows."""

Known = tuple[Searched, Shares]


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A bar a row, best first; one figure a data set, backbone and protocol.

    `metric` is unused: the values are of the metric of selection. Raises NothingToReport if no row
    has shares.
    """
    del metric
    blocks = search_blocks(run, "tuning-shares")
    width = width_of(run, TWO)
    plots = [_plot(block, known, blocks, width) for block in blocks if (known := _known(block))]
    if not plots:
        raise nothing_to_plot(
            "tuning-shares",
            f"a search of {FEWEST} trials or more in which some parameter mattered",
            "search with more --trials",
        )
    return plots


def _known(block: TuningBlock) -> list[Known]:
    pairs = ((line.searched, line.shares) for line in block.lines)
    return [(row, shares) for row, shares in pairs if shares is not None]


def _plot(
    block: TuningBlock, known: Sequence[Known], blocks: Sequence[TuningBlock], width: float
) -> Plot:
    lacking = [line.searched for line in block.lines if line.shares is None]
    caption = " ".join(
        filter(
            None,
            [
                f"Shares of the searched parameters in the variance of validation {block.metric} "
                f"over the trials of each row on {place(block)}: an additive model, scaled to the "
                "R2 of its predictions of trials left out; the rest is interactions and noise.",
                left_out({row.row: NONE for row in lacking if row.space}),
                protocol(block),
            ],
        )
    )
    title = title_of(block.dataset, block.backbone, f"what moves validation {block.metric}")
    figure = _figure(known, title, width)
    frame = pd.concat([_frame(*each) for each in known], ignore_index=True)
    name = stem("tuning-shares", block, blocks)
    return Plot(name, block.dataset, block.backbone, caption, figure, frame, trials=True)


def _frame(row: Searched, shares: Shares) -> pd.DataFrame:
    """The shares of one row as lines of the csv; they and the rest add up to 1."""
    owners = {each.name: each.owner for each in row.space}
    values = {**shares.shares, REST: shares.rest}
    return pd.DataFrame(
        {
            "dataset": row.dataset,
            "backbone": row.backbone,
            "row": row.row,
            "kind": REFERENCE if row.reference else "method",
            "protocol": row.hash,
            "metric": row.metric,
            "trials": shares.trials,
            "parameter": list(values),
            "owner": [owners.get(name, "") for name in values],
            "share": list(values.values()),
        }
    )


def _figure(known: Sequence[Known], title: str, width: float) -> Figure:
    keys: list[Entry] = [(Patch(color=color), name) for name, color in COLORS.items()]
    step = 0.19 if len(known) <= CROWDED else 0.145
    with mpl.rc_context(RC_PARAMS):
        height = 0.7 + step * len(known) + legend_height(keys, width)
        figure = titled_figure(width, height, title)
        ax = figure.subplots()
        for at, each in enumerate(known):
            _bar(ax, at, *each, letter=LETTER / (width - ROOM))
        names = short_names([row.row for row, _ in known])
        ax.set_yticks(range(len(known)), names)
        ax.set_ylim(len(known) - 0.5, -0.5)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlabel("share of the variance over trials")
        ax.tick_params(axis="y", length=0, labelsize=8 if len(known) <= CROWDED else 7)
        sns.despine(ax=ax, left=True)
        draw_legend(figure, keys, width)
    return figure


def _bar(ax: Axes, at: int, row: Searched, estimate: Shares, *, letter: float) -> None:
    """One row: learning rate and L2 first, so that they start alike, then its own parameters.

    `letter` is the share of the axis that a letter takes.
    """
    trained = {each.name for each in row.space if each.owner == "training"}
    shared = [name for name in COLORS if name in trained and name in estimate.shares]
    own = [name for name in estimate.shares if name not in shared]
    left = 0.0
    for name in (*shared, *own):
        width = estimate.shares[name]
        color = COLORS[name if name in shared else OWN]
        ax.barh(at, width, 0.78, left, color=color, edgecolor="white", linewidth=0.6)
        if name in own and width > letter * (len(name) + 1):
            ax.text(left + width / 2, at, name, ha="center", va="center_baseline", fontsize=7)
        left += width
    ax.barh(at, 1 - left, 0.78, left, color=COLORS[REST], linewidth=0)
