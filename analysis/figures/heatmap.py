"""Figure `heatmap`: how far each method lies from random, by data set and backbone, in percent."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..number_format import spelled
from ..runs import frames
from ..runs.frames import ROW, Run
from ..statistics.significance import significance
from ..statistics.test_procedure import ALPHA
from ._style import ONE, STYLE, TWO, Plot, nothing, short

PLACE = 4

VS = "random"
MAP = "RdBu"
"""Blue is better and red is worse: told apart under all colour blindnesses, and both from white."""
HATCH = "//////"
FEWEST = 3
"""Columns that the map has room for, so that one alone is no plank."""


def plots(run: Run, metric: str | None = None) -> list[Plot]:
    """One figure of the whole run: methods down, data sets and backbones across."""
    shown = spelled(*frames.measure(run, metric))
    told = distances(significance(run, metric, vs=VS))
    says = (
        f"Difference in {shown} to {VS} in percent, by data set and backbone; hatched: not "
        f"significant (p >= {ALPHA}, corrected within data set and backbone); blue is better; "
        "empty: no such row."
    )
    places = places_of(told)
    rows = told["row"].nunique()
    label = 0.075 * max(map(len, short(told["row"].unique())))
    wide = ONE if label + 0.5 * len(places) <= ONE else TWO
    with mpl.rc_context(STYLE):
        height = 0.35 + 0.19 * rows + 0.065 * max(len(f"{d}{b}") for d, b in places) * 0.75
        figure = Figure(figsize=(wide, height), layout="constrained")
        draw_heatmap(figure.subplots(), told, places)
    return [Plot("heatmap", "", "", says, figure, told)]


def distances(tests: pd.DataFrame) -> pd.DataFrame:
    """One line a row but `random`: its difference in percent, and whether it is significant.

    `tests` is what `significance` says; rows by falling mean difference.
    """
    told = tests[(tests["row"] != VS) & tests["relative"].notna()]
    if told.empty:
        raise nothing(
            "heatmap", f"finished rows of {VS} and of another method", f"run it with -m {VS},..."
        )
    percent = 100 * told["relative"].astype(float)
    told = told[[*ROW, "p_holm", "verdict", "metric"]].assign(percent=percent)
    told["significant"] = told["verdict"].isin(["better", "worse"])
    means = told.groupby("row")["percent"].mean()
    order = ["_mean", "row", "dataset", "backbone"]
    told = told.assign(_mean=-told["row"].map(means)).sort_values(order, ignore_index=True)
    return told.drop(columns="_mean")


def draw_heatmap(
    ax: Axes, told: pd.DataFrame, places: Sequence[tuple[str, str]], size: float = 7.0
) -> None:
    """The map of `distances`; `size` is that of the numbers in points."""
    rows = list(dict.fromkeys(told["row"]))
    # One wild row shall not bleach all others.
    limit = max(1.0, float(np.nanquantile(told["percent"].abs(), 0.9)))
    norm, colors = TwoSlopeNorm(0, -limit, limit), mpl.colormaps[MAP]
    for line in told.to_dict("records"):
        where = (line["dataset"], line["backbone"])
        if where not in places:
            continue
        at = (places.index(where), rows.index(line["row"]))
        # The ends of the map are too dark for black numbers.
        color = colors(0.5 + 0.62 * (float(norm(np.clip(line["percent"], -limit, limit))) - 0.5))
        ax.add_patch(Rectangle(at, 1, 1, facecolor=color, edgecolor="white", linewidth=1))
        halo = 0.0 if line["significant"] else 2.2
        if halo:
            ax.add_patch(
                Rectangle(at, 1, 1, fill=False, edgecolor="#8A8A8A", hatch=HATCH, linewidth=0)
            )
        ax.text(
            at[0] + 0.5,
            at[1] + 0.52,
            said_percent(line["percent"]),
            ha="center",
            va="center",
            fontsize=size,
            path_effects=[patheffects.withStroke(linewidth=halo, foreground="white")],
        )
    ax.set_xlim(0, max(FEWEST, len(places)))
    ax.set_ylim(len(rows), 0)
    names = [f"{dataset}\n{backbone}" for dataset, backbone in places]
    ax.set_xticks([at + 0.5 for at in range(len(places))], names, fontsize=size)
    ax.set_yticks([at + 0.5 for at in range(len(rows))], short(rows), fontsize=size)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def said_percent(percent: float) -> str:
    """A signed number of percent with two or three digits."""
    return f"{percent:+.1f}" if abs(percent) < 9.95 else f"{percent:+.0f}"


def places_of(told: pd.DataFrame) -> list[tuple[str, str]]:
    """The columns of the map, a data set and backbone each."""
    pairs = told[["dataset", "backbone"]].drop_duplicates()
    return sorted(pairs.itertuples(index=False, name=None))
