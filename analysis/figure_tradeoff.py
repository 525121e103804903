"""Figure `tradeoff`: accuracy against balance, the methods that nothing beats in both joined."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from negbench.analysis import bands, frames
from negbench.analysis.canvas import ONE, STYLE, Plot, blocks, legend, run_looks
from negbench.analysis.frames import REFERENCE, ROW, Run
from negbench.analysis.palette import Look
from negbench.analysis.spelling import spelled


def scatter(run: Run, metric: str | None = None) -> list[Plot]:
    """A point a row, crosses one standard deviation over seeds; hollow where another beats both."""
    name, k = frames.measure(run, metric)
    looked, shown = run_looks(run), spelled(name, k)
    says = (
        f"{shown} against balance (1 - Gini of {shown} over bands); crosses: one standard "
        "deviation over seeds; filled and joined: methods that no other beats in both."
    )
    plots = []
    for dataset, backbone, block in blocks(bands.bands(run, f"{name}@{k}")):
        plane = front_plane(block)
        figure = _draw(plane, looked, shown)
        plots.append(Plot(f"tradeoff-{dataset}-{backbone}", dataset, backbone, says, figure, plane))
    return plots


def front_plane(block: pd.DataFrame) -> pd.DataFrame:
    """One line a row of `bands`: mean, std, balance, balance_std, and whether it is on the front.

    References are shown but take no part in the front.
    """
    keys = [*ROW, "metric", "seeds"]
    total = block[block["band"] == bands.TOTAL].set_index(keys)[["mean", "std"]]
    even = block[block["band"] == bands.BALANCE].set_index(keys)[["mean", "std"]]
    even = even.rename(columns={"mean": "balance", "std": "balance_std"})
    plane = total.join(even).reset_index().dropna(subset=["mean", "balance"])
    plane = plane.sort_values(["kind", "mean"], ascending=[True, False], ignore_index=True)
    methods = (plane["kind"] != REFERENCE).to_numpy()
    plane["front"] = False
    plane.loc[methods, "front"] = pareto(plane[["mean", "balance"]].to_numpy()[methods])
    return plane


def pareto(points: ArrayLike) -> NDArray[np.bool_]:
    """Which points [n, d] no other beats in one coordinate and equals or beats in the rest."""
    x = np.asarray(points, float)
    reaches = (x[:, None] >= x[None, :]).all(axis=2)
    beats = reaches & (x[:, None] > x[None, :]).any(axis=2)
    front: NDArray[np.bool_] = np.logical_not(np.any(beats, axis=0, keepdims=True)[0])
    return front


def _draw(plane: pd.DataFrame, looked: dict[str, Look], shown: str) -> Figure:
    rows = list(plane["row"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(ONE, 2.5 + 0.16 * -(-len(rows) // 2)), layout="constrained")
        ax = figure.subplots()
        front = plane[plane["front"]].sort_values("balance")
        ax.plot(front["balance"], front["mean"], color="#BBBBBB", linewidth=0.9, zorder=1)
        for point in plane.to_dict("records"):
            _point(ax, point, looked[point["row"]])
        ax.set_xlabel("balance")
        ax.set_ylabel(shown)
        ax.grid()
        sns.despine(ax=ax)
        hollow = list(plane["row"][~plane["front"]])
        legend(figure, rows, looked, columns=2, lines=False, hollow=hollow)
    return figure


def _point(ax: Axes, point: dict[Any, Any], look: Look) -> None:
    spread = [0.0 if np.isnan(point[name]) else point[name] for name in ("balance_std", "std")]
    ax.errorbar(
        point["balance"],
        point["mean"],
        xerr=spread[0],
        yerr=spread[1],
        color=look.color,
        marker=look.marker,
        markerfacecolor=look.color if point["front"] else "white",
        markersize=5.5,
        elinewidth=0.8,
        capsize=0,
        linestyle="none",
        zorder=3,
    )
