"""The canvas of all figures: sizes, type, legend, and what a figure is handed over as.

Made for papers: 3.33 or 7 inches wide, 8 point type, TrueType fonts, no title, one look a method.
Nothing touches pyplot, so drawing changes nothing outside.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import ArrayLike

from negbench.errors import NothingToReport

from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import roster
from ._palette import Look, looks

ONE, TWO = 3.33, 7.0
"""Widths in inches of one and of two columns of a page."""
LONGEST = 24
"""Letters of a row's name that a figure has room for."""

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
    """A figure, what it shows, and a name for its files.

    The data set or the backbone is "" where it shows all of them.
    """

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
    families = {
        str(cell.spec["method"]): str((cell.record.get("card") or {}).get("family", ""))
        for cell in run.cells
    }
    told = zip(rows["row"], rows["method"], rows["kind"] == REFERENCE, strict=True)
    return looks(told, families)


def nothing(kind: str, need: str, remedy: str) -> NothingToReport:
    """Why a figure cannot be drawn of this run, in one sentence."""
    return NothingToReport(f"a plot `{kind}` needs {need}; this run has none; {remedy}")


def short(rows: Iterable[str]) -> list[str]:
    """The rows as a figure has room for them: of a long name the start and the end.

    Two that would look alike are told apart by some hex digits of their whole names.
    """
    names = list(rows)
    cut = {row: row if len(row) <= LONGEST else f"{row[:13]}…{row[-10:]}" for row in names}
    many = Counter(cut.values())
    return [
        cut[row] if many[cut[row]] == 1 else f"{row[:18]}…{zlib.crc32(row.encode()) % 0xFFFF:04x}"
        for row in cut
    ]


def across(rows: Sequence[str], width: float, most: int, size: float = 7.5) -> int:
    """How many of the rows, `most` at most, stand side by side in a legend so many inches wide."""
    longest = max((len(name) for name in short(rows)), default=0)
    entry = (5.0 + 0.6 * longest) * size / 72
    return max(1, min(most, len(rows), int(width / entry)))


def counts_by_decade(axis: Axis) -> None:
    """Ticks of a log scale of counts in plain digits: 1,000, not a power."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.{0 if value >= 1 else 2}f}"))
    axis.set_minor_formatter(NullFormatter())


def stroke(ax: Axes, x: ArrayLike, y: ArrayLike, look: Look, at: int = 0) -> None:
    """A line in the look of a row, with three markers at other places than its neighbours'."""
    step = max(1, len(np.asarray(x)) // 3)
    ax.plot(
        x,
        y,
        color=look.color,
        marker=look.marker,
        markevery=(at % step, step),
        markersize=3.5,
        dashes=look.dashes or (None, None),
    )


def legend(
    figure: Figure | SubFigure,
    rows: Sequence[str],
    looked: Mapping[str, Look],
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
        short(rows),
        loc="outside lower center",
        ncols=min(columns, len(rows)),
        handlelength=2.2 if lines else 1.0,
        columnspacing=1.2,
    )
