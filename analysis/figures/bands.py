"""Figure `bands`: the metric on all items and on each band, a bar a method."""

from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from ..measures import bands
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import MetricLike, Run
from ._legend import draw_legend, legend_height, mark
from ._named_rows import BASELINE, NamedRows, named_rows
from ._style import (
    ONE,
    RC_PARAMS,
    TWO,
    Plot,
    blocks,
    nothing_to_plot,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 5

VANISHING = 0.25
"""A panel whose highest value is below this share of the highest of all has a scale of its own."""
CROWDED = 20
"""With more rows than these bars stand closer, in smaller type."""
BASE = {"color": "#555555", "linewidth": 0.7, "dashes": (3, 2)}


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """Panels all, head, mid, tail; whiskers are one standard deviation over seeds.

    The panels have one scale, unless the bars of a band would vanish on it. Raises NothingToReport
    if no row has every seed finished.
    """
    chosen = frames.choose_metric(run, metric)
    label, parts = metric_label(chosen), [bands.TOTAL, *bands.names(run)]
    plots = []
    for dataset, backbone, block in blocks(bands.bands(run, chosen)):
        if not sorted_rows(block):
            continue
        named, own = named_rows(run, chosen, block), own_scales(block, parts)
        scales = " Panels differ in scale." if own else ""
        caption = (
            f"{label} on all items and on the items of each band; whiskers: one standard deviation "
            f"over seeds, none of one training; dashed: {BASELINE}.{scales} {named.sentence}"
        ).strip()
        title = title_of(dataset, backbone, f"{label}, panels differ in scale" if own else label)
        figure = _figure(block, parts, named, title, width_of(run, TWO))
        name = f"bands-{dataset}-{backbone}"
        plots.append(Plot(name, dataset, backbone, caption, figure, block))
    if not plots:
        raise nothing_to_plot("bands", "a row with every seed finished", "run it to the end first")
    return plots


def own_scales(block: pd.DataFrame, parts: Sequence[str]) -> bool:
    """Whether a band would vanish on the scale of the others, so that each has its own."""
    highest = block[block["band"].isin(parts)].groupby("band")["mean"].max()
    return bool(highest.min() < VANISHING * highest.max())


def draw_bands(
    axes: Sequence[Axes], block: pd.DataFrame, parts: Sequence[str], named: NamedRows
) -> None:
    """Draw a panel a band; rows by rising total from below, the references lowest."""
    rows = sorted_rows(block)
    for ax, part in zip(axes, parts, strict=True):
        values = block[block["band"] == part].set_index("row").reindex(rows)
        _bars(ax, values, named)
        ax.set_title("all items" if part == bands.TOTAL else part, pad=3)


def sorted_rows(block: pd.DataFrame) -> list[str]:
    """The rows of `bands` that have a mean, the references first, then by rising total."""
    total = block[block["band"] == bands.TOTAL].dropna(subset=["mean"])
    return list(total.sort_values(["kind", "mean"], ascending=[False, True])["row"])


def _figure(
    block: pd.DataFrame, parts: Sequence[str], named: NamedRows, title: str, width: float
) -> Figure:
    rows = sorted_rows(block)
    key = mark(BASELINE if BASELINE in rows else "", **BASE)
    free = own_scales(block, parts)
    with mpl.rc_context(RC_PARAMS):
        step = 0.17 if len(rows) <= CROWDED else 0.135
        height = 0.75 + step * len(rows) + legend_height(key, width)
        figure = titled_figure(width, height, title)
        axes = figure.subplots(1, len(parts), sharex=not free, sharey=True)
        draw_bands(axes, block, parts, named)
        if width < (ONE + TWO) / 2:
            for ax in axes:
                ax.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
        draw_legend(figure, key, width)
    return figure


def _bars(ax: Axes, values: pd.DataFrame, named: NamedRows) -> None:
    places = list(range(len(values)))
    colors = [named.styles[row].color for row in values.index]
    means, spread = values["mean"].to_numpy(float), values["std"].to_numpy(float)
    ax.barh(places, means, height=0.72, color=colors, linewidth=0)
    ax.errorbar(
        means, places, xerr=spread, fmt="none", ecolor="#222222", elinewidth=0.7, capsize=1.2
    )
    if BASELINE in values.index:
        at = float(means[list(values.index).index(BASELINE)])
        ax.axvline(at, **BASE)  # type: ignore[arg-type]
    ax.set_yticks(places, short_names(values.index))
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="both" if len(values) > CROWDED else "x", labelsize=7)
    ax.set_ylim(-0.7, len(values) - 0.3)
    ax.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # 0, not 0.000 beside 0.015
    ax.grid(axis="x")
    sns.despine(ax=ax, left=True)
