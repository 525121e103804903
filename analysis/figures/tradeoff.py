"""Figure `tradeoff`: accuracy against balance, the rows that nothing dominates joined.

References compete for the line. A row is on it unless

    another row is at least as high in both and higher in one, or
    another row is told to be higher in one and is not told to be lower in the other (dominated
    within noise: what speaks for the row may be chance; all pairs tested, `told_apart.py`), or
    its accuracy is below that of most_popular, where that was run, or
    it never left its warm-up; such a row dominates none either.

Where a run kept no values by user to test, the means decide alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from negbench.evaluation.metric_names import Metric

from ..measures import bands
from ..measures.budget import warm_up_rows
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import REFERENCE, ROW, MetricLike, Run
from ..statistics.told_apart import ToldApart, told_apart
from ._legend import draw_legend, legend_height, mark, rest_entry
from ._named_rows import NamedRows, named_rows
from ._palette import REST, Style
from ._point_labels import PointLabel, draw_point_labels
from ._style import (
    ONE,
    RC_PARAMS,
    Plot,
    blocks,
    nothing_to_plot,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 2
POPULAR = "most_popular"
"""The reference below which no row is on the line."""

MARKS = (
    "crosses: one standard deviation over seeds; filled and joined: rows that no other dominates, "
    "references among them; in a circle: references. A row is off the line if another is told to "
    "be higher in one and is not told to be lower in the other, or if it is below most_popular."
)
"""Caption of the marks in a plane."""
EMPTY = "Here no row is on the line."
CIRCLED = Path.make_compound_path(
    Path.unit_circle(), Path([(-0.45, 0), (0.45, 0)]), Path([(0, -0.45), (0, 0.45)])
)
"""Any reference, in the legend: most of their marks have no inside to fill, so a circle has it."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A point a row, crosses one standard deviation over seeds; hollow if off the line."""
    chosen = frames.choose_metric(run, metric)
    name = metric_label(chosen)
    caption = f"{name} against balance (1 - Gini of {name} over bands); {MARKS}"
    return planes(run, chosen, bands.BALANCE, kind="tradeoff", label="balance", caption=caption)


def planes(
    run: Run, metric: Metric, against: str, *, kind: str, label: str, caption: str
) -> list[Plot]:
    """One plane a data set and backbone: the metric on all items against a band or balance.

    Raises NothingToReport if no row has both values.
    """
    plots, width = [], width_of(run, ONE)
    for dataset, backbone, block in blocks(bands.bands(run, metric)):
        plane = front_plane(run, metric, backbone, block, against)
        if plane.empty:
            continue
        named = named_rows(run, metric, plane, also=plane["row"][plane["front"]])
        title = title_of(dataset, backbone, f"{metric_label(metric)} and {label}")
        figure = _figure(plane, named, against, (title, label, metric_label(metric)), width)
        stem = f"{kind}-{dataset}-{backbone}"
        empty = "" if plane["front"].any() else EMPTY
        text = " ".join(filter(None, (caption, named.sentence, empty)))
        plots.append(Plot(stem, dataset, backbone, text, figure, plane))
    if not plots:
        need = f"a row with every seed finished whose {label} is known"
        raise nothing_to_plot(kind, need, "run it to the end first, or take other --bands")
    return plots


def _figure(
    plane: pd.DataFrame,
    named: NamedRows,
    against: str,
    words: tuple[str, str, str],
    width: float,
) -> Figure:
    """The plane alone, its marks explained below it; `words` are its title and its labels."""
    title, across, up = words
    point = {"linestyle": "none", "marker": "s", "markersize": 4.5}
    circled = plane["kind"].eq(REFERENCE).any()
    look = {"linestyle": "none", "marker": CIRCLED, "markersize": 6.5, "markerfacecolor": "white"}
    key = [
        *mark("on the line: no row dominates it", linewidth=0.9, **{**point, "linestyle": "-"}),
        *mark("off the line", markerfacecolor="white", **point),
        *mark("in a circle: a reference" if circled else "", **look),
        *mark("one std. over seeds", linewidth=0.8),
        *rest_entry(named.rest, lines=False),
    ]
    with mpl.rc_context(RC_PARAMS):
        figure = titled_figure(width, 2.9 + legend_height(key, width), title)
        ax = figure.subplots()
        draw_plane(ax, plane, named, against, across, up)
        draw_legend(figure, key, width)
        label_plane(ax, plane, named, against)
    return figure


def front_plane(
    run: Run, metric: Metric, backbone: str, block: pd.DataFrame, against: str = bands.BALANCE
) -> pd.DataFrame:
    """One line a row of `bands`: mean, std, the same of `against`, and whether it is on the line.

    `block` holds the lines of one data set and backbone, references among them.
    """
    keys = [*ROW, "metric", "seeds"]
    total = block[block["band"] == bands.TOTAL].set_index(keys)[["mean", "std"]]
    other = block[block["band"] == against].set_index(keys)[["mean", "std"]]
    other = other.rename(columns={"mean": against, "std": f"{against}_std"})
    plane = total.join(other).reset_index().dropna(subset=["mean", against])
    plane = plane.sort_values(["kind", "mean"], ascending=[True, False], ignore_index=True)
    where = (str(block["dataset"].iloc[0]), backbone)
    warm_up = [row for *place, row in warm_up_rows(run) if tuple(place) == where]
    itself = ~plane["row"].isin(warm_up).to_numpy()
    points = plane.loc[itself, ["mean", against]].to_numpy(float)
    rows = list(plane.loc[itself, "row"])
    sides = [
        _sides(told_apart(run, metric, band).get(where), rows, values)
        for band, values in zip((bands.TOTAL, against), points.T, strict=True)
    ]
    popular = plane.loc[plane["method"].eq(POPULAR) & plane["kind"].eq(REFERENCE), "mean"]
    plane["front"] = False
    plane.loc[itself, "front"] = (
        pareto(points) & ~within_noise(sides) & ~(points[:, 0] < popular.max())
    )
    return plane


def within_noise(sides: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Which rows [n] are dominated within noise; `sides` holds one matrix [n, n] a measure.

    An entry is 1 if the row of the line is told to be above that of the column, -1 if below.
    """
    by_measure = np.stack(sides)
    over = (by_measure > 0).any(axis=0) & (by_measure >= 0).all(axis=0)
    dominated: NDArray[np.bool_] = np.asarray(over.any(axis=0))
    return dominated


def _sides(tests: ToldApart | None, rows: Sequence[str], values: ArrayLike) -> NDArray[np.int64]:
    """Which rows are told apart, or which are higher at all where there is no test."""
    if tests is not None and not np.isnan(tests.p).all() and set(rows) <= set(tests.names):
        return tests.sides(rows)
    x = np.asarray(values, float)
    higher: NDArray[np.int64] = np.sign(x[:, None] - x).astype(int)
    return higher


def pareto(points: ArrayLike) -> NDArray[np.bool_]:
    """The Pareto front of points [n, d], as a mask [n]: no other point dominates them."""
    x = np.asarray(points, float)
    reaches = (x[:, None] >= x[None, :]).all(axis=2)
    beats = reaches & (x[:, None] > x[None, :]).any(axis=2)
    front: NDArray[np.bool_] = np.logical_not(np.any(beats, axis=0, keepdims=True)[0])
    return front


def draw_plane(
    ax: Axes,
    plane: pd.DataFrame,
    named: NamedRows,
    against: str,
    label: str,
    metric_name: str,
    sizes: Mapping[str, float] | None = None,
) -> None:
    """Draw the plane on these axes; `sizes` may give the marker size of a row in points."""
    front = plane[plane["front"]].sort_values(against)
    ax.plot(front[against], front["mean"], color="#BBBBBB", linewidth=0.9, zorder=1)
    for point in plane.to_dict("records"):
        _point(ax, point, against, named.styles[point["row"]], (sizes or {}).get(point["row"], 5.0))
    ax.set_xlabel(label)
    ax.set_ylabel(metric_name)
    ax.margins(0.08)
    ax.grid()
    sns.despine(ax=ax)


def label_plane(ax: Axes, plane: pd.DataFrame, named: NamedRows, against: str) -> None:
    """Write the names of the named rows beside their points, those on the line first."""
    is_named = plane["row"].isin(named.rows)
    rest = plane.loc[~is_named, [against, "mean"]].to_numpy(float)
    lines = plane[is_named].sort_values("front", ascending=False, kind="stable").to_dict("records")
    names = short_names([line["row"] for line in lines])
    labels = [
        PointLabel(name, line[against], line["mean"], named.styles[line["row"]].color)
        for name, line in zip(names, lines, strict=True)
    ]
    draw_point_labels(ax, labels, np.concatenate([rest, _on_the_bars(plane[is_named], against)]))


def _on_the_bars(plane: pd.DataFrame, against: str) -> NDArray[np.float64]:
    """Points along the bars of one standard deviation, [n, 2], for labels to keep clear of."""
    steps = np.array([-1, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1])[:, None]
    means = plane[[against, "mean"]].to_numpy(float)
    stds = plane[[f"{against}_std", "std"]].fillna(0).to_numpy(float)
    along = [means + steps[:, None] * stds * axis for axis in ([1, 0], [0, 1])]
    return np.concatenate(along).reshape(-1, 2)


def _point(ax: Axes, point: dict[Any, Any], against: str, style: Style, size: float) -> None:
    if style is REST:
        ax.plot(point[against], point["mean"], "o", color=REST.color, markersize=3, zorder=1.5)
        return
    color, reference = style.color, point["kind"] == REFERENCE
    inside, on_it = (color, "white") if point["front"] else ("white", color)
    spread = [0.0 if np.isnan(point[name]) else point[name] for name in (f"{against}_std", "std")]
    ax.errorbar(
        point[against],
        point["mean"],
        xerr=spread[0],
        yerr=spread[1],
        color=color,
        marker="o" if reference else style.marker,
        markerfacecolor=inside,
        markersize=1.3 * size if reference else size,
        elinewidth=0.8,
        capsize=0,
        linestyle="none",
        zorder=3,
    )
    if reference:
        place = point[against], point["mean"]
        ax.plot(*place, color=on_it, marker=style.marker, markersize=0.85 * size, zorder=3.1)
