"""Figure `popularity-curve`: the train count of every item in falling order, with the cuts."""

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ..measures.exposure import popularity
from ..runs.frames import MetricLike, Run
from ._style import ONE, RC_PARAMS, Plot, counts_by_decade, title_of, titled_figure, width_of

PLACE = 12

SHADES = ("#0072B2", "#56B4E9", "#BFE0F5")
"""Colours of the bands, most popular first."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """One curve a data set, both axes on a log scale.

    `metric` is unused; every kind has the same signature.
    """
    del metric
    plots = []
    for dataset, frame in popularity(run).groupby("dataset"):
        cuts = band_cuts(frame)
        caption = (
            "Train interactions of each item in falling order; bands: "
            f"{', '.join(f'{band} up to item {last:,}' for band, last in cuts.items())}."
        )
        with mpl.rc_context(RC_PARAMS):
            title = title_of(str(dataset), "", "train part")
            figure = titled_figure(width_of(run, ONE), 2.3, title)
            draw_popularity(figure.subplots(), frame)
        name = f"popularity-curve-{dataset}"
        plots.append(Plot(name, str(dataset), "", caption, figure, frame.reset_index(drop=True)))
    return plots


def band_cuts(frame: pd.DataFrame) -> dict[str, int]:
    """The last place of each band of one data set, most popular first."""
    last = frame.groupby("band", sort=False)["n"].max()
    return {str(band): int(n) for band, n in last.items()}


def draw_popularity(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw the curve over the bands, each shaded and labelled with its number of items."""
    known = frame[frame["count"] > 0]
    before, floor = 0, 0.7 * float(known["count"].min())
    for shade, (band, last) in zip(SHADES, band_cuts(frame).items(), strict=False):
        start = max(1, before)
        here = known[(known["n"] >= start) & (known["n"] <= last)]
        ax.fill_between(here["n"], here["count"], floor, color=shade, alpha=0.45, linewidth=0)
        middle = (start * last) ** 0.5
        ax.text(
            middle,
            1.02,
            f"{band}\n{last - before:,}",
            ha="center",
            va="bottom",
            transform=ax.get_xaxis_transform(),
            fontsize=7.5,
        )
        if before:
            ax.axvline(before, color="#777777", linewidth=0.7, dashes=(3, 2))
        before = last
    ax.plot(known["n"], known["count"], color="#222222")
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        counts_by_decade(axis)
    ax.set_xlim(1, before)
    ax.set_ylim(bottom=floor)
    ax.set_xlabel("items, most popular first")
    ax.set_ylabel("train interactions")
    sns.despine(ax=ax)
