"""Figure `tradeoff`: accuracy against balance, the methods that nothing beats in both joined."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from negbench.evaluation.metric_names import Metric

from ..measures import bands
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import REFERENCE, ROW, MetricLike, Run
from ._palette import Style
from ._style import ONE, RC_PARAMS, Plot, blocks, legend, legend_columns, row_styles

PLACE = 2

MARKS = (
    "crosses: one standard deviation over seeds; filled and joined: methods that no other beats "
    "in both."
)
"""Caption of the marks in a plane."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A point a row, crosses one standard deviation over seeds; hollow if off the front."""
    chosen = frames.choose_metric(run, metric)
    name = metric_label(chosen)
    caption = f"{name} against balance (1 - Gini of {name} over bands); {MARKS}"
    return planes(run, chosen, bands.BALANCE, kind="tradeoff", label="balance", caption=caption)


def planes(
    run: Run, metric: Metric, against: str, *, kind: str, label: str, caption: str
) -> list[Plot]:
    """One plane a data set and backbone: the metric on all items against a band or balance."""
    styles = row_styles(run)
    plots = []
    for dataset, backbone, block in blocks(bands.bands(run, metric)):
        plane = front_plane(block, against)
        with mpl.rc_context(RC_PARAMS):
            rows = list(plane["row"])
            columns = legend_columns(rows, ONE, 2)
            height = 2.5 + 0.16 * -(-len(rows) // columns)
            figure = Figure(figsize=(ONE, height), layout="constrained")
            draw_plane(figure.subplots(), plane, styles, against, label, metric_label(metric))
            hollow = list(plane["row"][~plane["front"]])
            legend(figure, rows, styles, columns=columns, lines=False, hollow=hollow)
        stem = f"{kind}-{dataset}-{backbone}"
        plots.append(Plot(stem, dataset, backbone, caption, figure, plane))
    return plots


def front_plane(block: pd.DataFrame, against: str = bands.BALANCE) -> pd.DataFrame:
    """One line a row of `bands`: mean, std, the same of `against`, and whether it is on the front.

    References are shown but are never on the front.
    """
    keys = [*ROW, "metric", "seeds"]
    total = block[block["band"] == bands.TOTAL].set_index(keys)[["mean", "std"]]
    other = block[block["band"] == against].set_index(keys)[["mean", "std"]]
    other = other.rename(columns={"mean": against, "std": f"{against}_std"})
    plane = total.join(other).reset_index().dropna(subset=["mean", against])
    plane = plane.sort_values(["kind", "mean"], ascending=[True, False], ignore_index=True)
    methods = (plane["kind"] != REFERENCE).to_numpy()
    plane["front"] = False
    plane.loc[methods, "front"] = pareto(plane[["mean", against]].to_numpy()[methods])
    return plane


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
    styles: Mapping[str, Style],
    against: str,
    label: str,
    metric_name: str,
    sizes: Mapping[str, float] | None = None,
) -> None:
    """Draw the plane on these axes; `sizes` may give the marker size of a row in points."""
    front = plane[plane["front"]].sort_values(against)
    ax.plot(front[against], front["mean"], color="#BBBBBB", linewidth=0.9, zorder=1)
    for point in plane.to_dict("records"):
        _point(ax, point, against, styles[point["row"]], (sizes or {}).get(point["row"], 5.5))
    ax.set_xlabel(label)
    ax.set_ylabel(metric_name)
    ax.grid()
    sns.despine(ax=ax)


def _point(ax: Axes, point: dict[Any, Any], against: str, style: Style, size: float) -> None:
    spread = [0.0 if np.isnan(point[name]) else point[name] for name in (f"{against}_std", "std")]
    ax.errorbar(
        point[against],
        point["mean"],
        xerr=spread[0],
        yerr=spread[1],
        color=style.color,
        marker=style.marker,
        markerfacecolor=style.color if point["front"] else "white",
        markersize=size,
        elinewidth=0.8,
        capsize=0,
        linestyle="none",
        zorder=3,
    )
