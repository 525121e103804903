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

from ..measures import bands
from ..number_format import spelled
from ..runs import frames
from ..runs.frames import REFERENCE, ROW, Run
from ._palette import Look
from ._style import ONE, STYLE, Plot, across, blocks, legend, run_looks

PLACE = 2

SAYS = (
    "crosses: one standard deviation over seeds; filled and joined: methods that no other beats "
    "in both."
)
"""What the marks of a plane mean."""


def plots(run: Run, metric: str | None = None) -> list[Plot]:
    """A point a row, crosses one standard deviation over seeds; hollow where another beats both."""
    shown = spelled(*frames.measure(run, metric))
    says = f"{shown} against balance (1 - Gini of {shown} over bands); {SAYS}"
    return planes(run, metric, bands.BALANCE, kind="tradeoff", label="balance", says=says)


def planes(
    run: Run, metric: str | None, against: str, *, kind: str, label: str, says: str
) -> list[Plot]:
    """One plane a data set and backbone: the metric on all items against a band or balance."""
    name, k = frames.measure(run, metric)
    looked, shown = run_looks(run), spelled(name, k)
    plots = []
    for dataset, backbone, block in blocks(bands.bands(run, f"{name}@{k}")):
        plane = front_plane(block, against)
        with mpl.rc_context(STYLE):
            rows = list(plane["row"])
            columns = across(rows, ONE, 2)
            height = 2.5 + 0.16 * -(-len(rows) // columns)
            figure = Figure(figsize=(ONE, height), layout="constrained")
            draw_plane(figure.subplots(), plane, looked, against, label, shown)
            hollow = list(plane["row"][~plane["front"]])
            legend(figure, rows, looked, columns=columns, lines=False, hollow=hollow)
        stem = f"{kind}-{dataset}-{backbone}"
        plots.append(Plot(stem, dataset, backbone, says, figure, plane))
    return plots


def front_plane(block: pd.DataFrame, against: str = bands.BALANCE) -> pd.DataFrame:
    """One line a row of `bands`: mean, std, the same of `against`, and whether it is on the front.

    References are shown but take no part in the front.
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
    """Which points [n, d] no other beats in one coordinate and equals or beats in the rest."""
    x = np.asarray(points, float)
    reaches = (x[:, None] >= x[None, :]).all(axis=2)
    beats = reaches & (x[:, None] > x[None, :]).any(axis=2)
    front: NDArray[np.bool_] = np.logical_not(np.any(beats, axis=0, keepdims=True)[0])
    return front


def draw_plane(
    ax: Axes,
    plane: pd.DataFrame,
    looked: Mapping[str, Look],
    against: str,
    label: str,
    shown: str,
    sizes: Mapping[str, float] | None = None,
) -> None:
    """The plane on these axes; `sizes` may give the width in points of a row's marker."""
    front = plane[plane["front"]].sort_values(against)
    ax.plot(front[against], front["mean"], color="#BBBBBB", linewidth=0.9, zorder=1)
    for point in plane.to_dict("records"):
        _point(ax, point, against, looked[point["row"]], (sizes or {}).get(point["row"], 5.5))
    ax.set_xlabel(label)
    ax.set_ylabel(shown)
    ax.grid()
    sns.despine(ax=ax)


def _point(ax: Axes, point: dict[Any, Any], against: str, look: Look, size: float) -> None:
    spread = [0.0 if np.isnan(point[name]) else point[name] for name in (f"{against}_std", "std")]
    ax.errorbar(
        point[against],
        point["mean"],
        xerr=spread[0],
        yerr=spread[1],
        color=look.color,
        marker=look.marker,
        markerfacecolor=look.color if point["front"] else "white",
        markersize=size,
        elinewidth=0.8,
        capsize=0,
        linestyle="none",
        zorder=3,
    )
