"""Figure `bands`: the metric on all items and on each band, a bar a method."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..measures import bands
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import MetricLike, Run
from ._palette import Style
from ._style import RC_PARAMS, TWO, Plot, blocks, row_styles, short_names

PLACE = 5


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """Panels all, head, mid, tail on one scale; whiskers are one standard deviation over seeds."""
    chosen = frames.choose_metric(run, metric)
    label, styles = metric_label(chosen), row_styles(run)
    caption = (
        f"{label} on all items and on the items of each band; whiskers: one standard deviation "
        "over seeds; dashed: random."
    )
    return [
        Plot(
            f"bands-{dataset}-{backbone}",
            dataset,
            backbone,
            caption,
            _figure(block, [bands.TOTAL, *bands.names(run)], styles, label),
            block,
        )
        for dataset, backbone, block in blocks(bands.bands(run, chosen))
    ]


def draw_bands(
    axes: Sequence[Axes], block: pd.DataFrame, parts: Sequence[str], styles: Mapping[str, Style]
) -> None:
    """Draw a panel a band; rows by rising total from below, the references lowest."""
    rows = sorted_rows(block)
    for ax, part in zip(axes, parts, strict=True):
        values = block[block["band"] == part].set_index("row").reindex(rows)
        _bars(ax, values, [styles[row].color for row in rows])
        ax.set_title("all items" if part == bands.TOTAL else part, pad=3)


def sorted_rows(block: pd.DataFrame) -> list[str]:
    """The rows of `bands` that have a mean, the references first, then by rising total."""
    total = block[block["band"] == bands.TOTAL].dropna(subset=["mean"])
    return list(total.sort_values(["kind", "mean"], ascending=[False, True])["row"])


def _figure(
    block: pd.DataFrame, parts: Sequence[str], styles: Mapping[str, Style], label: str
) -> Figure:
    with mpl.rc_context(RC_PARAMS):
        height = 0.75 + 0.17 * len(sorted_rows(block))
        figure = Figure(figsize=(TWO, height), layout="constrained")
        draw_bands(figure.subplots(1, len(parts), sharex=True, sharey=True), block, parts, styles)
        figure.supxlabel(label, fontsize=8)
    return figure


def _bars(ax: Axes, values: pd.DataFrame, colors: Sequence[str]) -> None:
    places = list(range(len(values)))
    means, spread = values["mean"].to_numpy(float), values["std"].fillna(0).to_numpy(float)
    ax.barh(places, means, height=0.72, color=colors, linewidth=0)
    ax.errorbar(
        means, places, xerr=spread, fmt="none", ecolor="#222222", elinewidth=0.7, capsize=1.5
    )
    if "random" in values.index:
        at = float(means[list(values.index).index("random")])
        ax.axvline(at, color="#555555", linewidth=0.7, dashes=(3, 2))
    ax.set_yticks(places, short_names(values.index))
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))
    ax.grid(axis="x")
    sns.despine(ax=ax, left=True)
