"""Figure `heatmap`: how far each row lies from random, by data set and backbone, in percent.

Where rows differ in settings, from the random of the same settings.
"""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Patch, Rectangle

from negbench.storage.training_end import WARM_UP_ONLY

from ..number_format import metric_label
from ..runs import frames
from ..runs.baselines import several
from ..runs.frames import ROW, MetricLike, Run
from ..statistics.significance import significance
from ..statistics.test_procedure import ALPHA, DEFAULT
from ..tables.baseline_phrases import against_in
from ._legend import Entry, draw_legend, legend_height
from ._style import (
    ONE,
    RC_PARAMS,
    TWO,
    Plot,
    nothing_to_plot,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 4

VS = "random"
MAP = "RdBu"
"""Blue is better and red is worse: distinct under all colour blindnesses, and from white."""
HATCH = "//////"
CROWDED = 20
"""With more rows than these they stand closer."""
FEWEST = 3
"""The least number of columns that the map has room for, so that one alone is not stretched."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """One figure of the whole run: rows down, data sets and backbones across."""
    chosen = frames.choose_metric(run, metric)
    tests = significance(run, chosen, vs=VS)
    frame, base = distances(tests), against_in(VS, tests)
    words = DEFAULT.words_for(frame)[::-1]
    caption = (
        f"Difference in {metric_label(chosen)} to {base} in percent, by data set and backbone; "
        f"hatched: not told apart from it (p >= {ALPHA}; {'; '.join(words)}; {DEFAULT.corrected} "
        "within data set and backbone); "
        "blue is better; empty: no such row, no baseline there or one of mean 0, or its warm-up "
        "only."
    )
    places = places_of(frame)
    rows = frame["row"].nunique()
    label = 0.075 * max(map(len, short_names(frame["row"].unique())))
    wide = width_of(run, ONE if label + 0.5 * len(places) <= ONE else TWO)
    hatched = Patch(facecolor="white", edgecolor="#8A8A8A", hatch=HATCH, linewidth=0)
    key: list[Entry] = [(hatched, f"not told apart from {VS}")]
    step = 0.19 if rows <= CROWDED else 0.155
    with mpl.rc_context(RC_PARAMS):
        # Names of places stand on end where they do not fit side by side.
        room = (wide - label - 0.3) / max(FEWEST, len(places))
        longest = max(len(name) for place in places for name in place)
        turned = longest * 0.062 > room
        below = 0.06 * longest if turned else 0.3
        height = 0.6 + step * rows + below + legend_height(key, wide)
        title = title_of("", "", f"{metric_label(chosen)}, difference to {VS} in %")
        figure = titled_figure(wide, height, title)
        ax = figure.subplots()
        colors = draw_heatmap(ax, frame, places)
        ax.tick_params(axis="x", rotation=90 if turned else 0)
        bar = figure.colorbar(colors, ax=ax, location="bottom", aspect=40, pad=0.02, extend="both")
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=7)
        draw_legend(figure, key, wide)
    return [Plot("heatmap", "", "", caption, figure, frame)]


def distances(tests: pd.DataFrame) -> pd.DataFrame:
    """One line a row but `random`: its difference in percent, and whether that is significant.

    `tests` is the frame of `significance`; rows by falling mean difference. A row that was its
    warm-up only is left out: it is not tested, so neither a colour nor a hatch would be true.
    Raises NothingToReport if `random` or every other row is missing, or its mean is 0 everywhere.
    """
    others = tests[(tests["row"] != tests["baseline"]) & (tests["conclusion"] != WARM_UP_ONLY)]
    frame = others[others["relative"].notna()]
    if frame.empty and others["difference"].notna().any():
        raise nothing_to_plot(
            "heatmap",
            f"a mean of {VS} that is not 0, of which a difference is a share",
            "`compare` has the differences themselves",
        )
    if frame.empty:
        raise nothing_to_plot(
            "heatmap", f"finished rows of {VS} and of another method", f"run it with -m {VS},..."
        )
    percent = 100 * frame["relative"].astype(float)
    columns = [*ROW, "n_seeds", "n_splits", "covers", "p_corrected", "verdict", "metric"]
    columns += ["baseline"] if several(VS, frame["baseline"]) else []
    frame = frame[columns].assign(percent=percent)
    frame["significant"] = frame["verdict"].isin(["better", "worse"])
    means = frame.groupby("row")["percent"].mean()
    order = ["_mean", "row", "dataset", "backbone"]
    frame = frame.assign(_mean=-frame["row"].map(means)).sort_values(order, ignore_index=True)
    return frame.drop(columns="_mean")


def draw_heatmap(
    ax: Axes, frame: pd.DataFrame, places: Sequence[tuple[str, str]], size: float = 7.0
) -> ScalarMappable:
    """Draw the map of `distances`; `size` is that of the numbers in points. Returns its colours."""
    rows = list(dict.fromkeys(frame["row"]))
    # One outlier shall not bleach all other rows.
    limit = max(1.0, float(np.nanquantile(frame["percent"].abs(), 0.9)))
    # The ends of the map are too dark for black numbers.
    shades = mpl.colormaps[MAP](np.linspace(0.19, 0.81, 256))
    colors = ScalarMappable(Normalize(-limit, limit), ListedColormap(list(shades)))
    for line in frame.to_dict("records"):
        where = (line["dataset"], line["backbone"])
        if where not in places:
            continue
        at = (places.index(where), rows.index(line["row"]))
        color = colors.to_rgba(line["percent"])
        ax.add_patch(Rectangle(at, 1, 1, facecolor=color, edgecolor="white", linewidth=1))
        halo = 0.0 if line["significant"] else 2.2
        if halo:
            ax.add_patch(
                Rectangle(at, 1, 1, fill=False, edgecolor="#8A8A8A", hatch=HATCH, linewidth=0)
            )
        ax.text(
            at[0] + 0.5,
            at[1] + 0.52,
            format_percent(line["percent"]),
            ha="center",
            va="center",
            fontsize=size,
            path_effects=[patheffects.withStroke(linewidth=halo, foreground="white")],
        )
    ax.set_xlim(0, max(FEWEST, len(places)))
    ax.set_ylim(len(rows), 0)
    names = [f"{dataset}\n{backbone}" for dataset, backbone in places]
    ax.set_xticks([at + 0.5 for at in range(len(places))], names, fontsize=size)
    ax.set_yticks([at + 0.5 for at in range(len(rows))], short_names(rows), fontsize=size)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return colors


def format_percent(percent: float) -> str:
    """A signed number of percent with two or three digits."""
    return f"{percent:+.1f}" if abs(percent) < 9.95 else f"{percent:+.0f}"


def places_of(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """The columns of the map, a data set and backbone each."""
    pairs = frame[["dataset", "backbone"]].drop_duplicates()
    return sorted(pairs.itertuples(index=False, name=None))
