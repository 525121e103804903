"""The canvas of all figures: sizes, type, legend, and what a figure is handed over as.

Made for papers: 3.33 or 7 inches wide, 8 point type, TrueType fonts, no title, one look a method.
Nothing touches pyplot, so drawing changes nothing outside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from negbench.analysis.frames import REFERENCE, Run
from negbench.analysis.palette import Look, looks
from negbench.analysis.seeds import roster

ONE, TWO = 3.33, 7.0
"""Widths in inches of one and of two columns of a page."""

STYLE: dict[Any, Any] = {
    **sns.axes_style("ticks"),
    "font.family": ["sans-serif"],
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 7.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "path",
}


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure, what it shows, and a name for its files."""

    name: str
    dataset: str
    backbone: str
    says: str
    """The caption, which is also what a reader who cannot see it is told."""
    figure: Figure
    frame: pd.DataFrame


Block = tuple[str, str, pd.DataFrame]
"""A data set, a backbone and their lines."""


def blocks(told: pd.DataFrame) -> Iterator[Block]:
    """The lines of each data set and backbone, with the references of the data set."""
    for dataset, of_data in told.groupby("dataset"):
        guards = of_data[of_data["kind"] == REFERENCE]
        for backbone, methods in of_data[of_data["kind"] != REFERENCE].groupby("backbone"):
            yield str(dataset), str(backbone), pd.concat([methods, guards], ignore_index=True)


def run_looks(run: Run) -> dict[str, Look]:
    """The look of every row of the run, so that its figures agree."""
    rows = roster(run)
    return looks(zip(rows["row"], rows["method"], rows["kind"] == REFERENCE, strict=True))


def legend(
    figure: Figure,
    rows: Sequence[str],
    looked: dict[str, Look],
    *,
    columns: int,
    lines: bool = True,
    hollow: Sequence[str] = (),
) -> None:
    """One legend under the axes, where it can cover nothing."""
    handles = []
    for row in rows:
        look = looked[row]
        handle = Line2D([], [], color=look.color, marker=look.marker, markersize=4.5)
        handle.set_markerfacecolor("white" if row in hollow else look.color)
        if not lines:
            handle.set_linestyle("none")
        elif look.dashes:
            handle.set_dashes(look.dashes)
        handles.append(handle)
    figure.legend(
        handles,
        list(rows),
        loc="outside lower center",
        ncols=min(columns, len(rows)),
        handlelength=2.2 if lines else 1.0,
        columnspacing=1.2,
    )
