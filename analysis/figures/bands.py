"""Figure `bands`: the metric on all items and on each band, a bar a method."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..measures import bands
from ..number_format import spelled
from ..runs import frames
from ..runs.frames import Run
from ._palette import Look
from ._style import STYLE, TWO, Plot, blocks, run_looks, short

PLACE = 5


def plots(run: Run, metric: str | None = None) -> list[Plot]:
    """Panels all, head, mid, tail on one scale; whiskers are one standard deviation over seeds."""
    name, k = frames.measure(run, metric)
    looked = run_looks(run)
    shown = spelled(name, k)
    says = (
        f"{shown} on all items and on the items of each band; whiskers: one standard deviation "
        "over seeds; dashed: random."
    )
    return [
        Plot(
            f"bands-{dataset}-{backbone}",
            dataset,
            backbone,
            says,
            _figure(block, [bands.TOTAL, *bands.names(run)], looked, shown),
            block,
        )
        for dataset, backbone, block in blocks(bands.bands(run, f"{name}@{k}"))
    ]


def draw_bands(
    axes: Sequence[Axes], block: pd.DataFrame, parts: Sequence[str], looked: Mapping[str, Look]
) -> None:
    """A panel a part, rows by rising total from below and the references under them."""
    rows = sorted_rows(block)
    for ax, part in zip(axes, parts, strict=True):
        values = block[block["band"] == part].set_index("row").reindex(rows)
        _bars(ax, values, [looked[row].color for row in rows])
        ax.set_title("all items" if part == bands.TOTAL else part, pad=3)


def sorted_rows(block: pd.DataFrame) -> list[str]:
    """The rows of `bands` that have a mean, the references first, then by rising total."""
    total = block[block["band"] == bands.TOTAL].dropna(subset=["mean"])
    return list(total.sort_values(["kind", "mean"], ascending=[False, True])["row"])


def _figure(
    block: pd.DataFrame, parts: Sequence[str], looked: Mapping[str, Look], shown: str
) -> Figure:
    with mpl.rc_context(STYLE):
        height = 0.75 + 0.17 * len(sorted_rows(block))
        figure = Figure(figsize=(TWO, height), layout="constrained")
        draw_bands(figure.subplots(1, len(parts), sharex=True, sharey=True), block, parts, looked)
        figure.supxlabel(shown, fontsize=8)
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
    ax.set_yticks(places, short(values.index))
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))
    ax.grid(axis="x")
    sns.despine(ax=ax, left=True)
