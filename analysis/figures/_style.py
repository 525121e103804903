"""Shared figure style: sizes, matplotlib rc parameters, legend, and the `Plot` that kinds return.

For papers: 3.33 or 7 inches wide, 8 point type, TrueType fonts, no title, one style a method.
pyplot is not used, so drawing changes no global state.
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
from ..runs.over_seeds import rows_of_run
from ._palette import Style, assign_styles

ONE, TWO = 3.33, 7.0
"""Widths in inches of one and of two columns of a page."""
LONGEST = 24
"""Characters of a row's name that a figure has room for."""

RC_PARAMS: dict[Any, Any] = {
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
    """A figure, the frame that it shows, its caption, and a name for its files.

    The data set or the backbone is "" if it shows all of them.
    """

    name: str
    dataset: str
    backbone: str
    caption: str
    """The caption, which is also the alternative text."""
    figure: Figure
    frame: pd.DataFrame
    trials: bool = False
    """Whether it shows the trials of a search: then no note on the run's own cells is its."""


Block = tuple[str, str, pd.DataFrame]
"""A data set, a backbone and their lines."""


def blocks(frame: pd.DataFrame) -> Iterator[Block]:
    """The lines of each data set and backbone, with the references of the data set."""
    for dataset, of_data in frame.groupby("dataset"):
        references = of_data[of_data["kind"] == REFERENCE]
        for backbone, methods in of_data[of_data["kind"] != REFERENCE].groupby("backbone"):
            yield str(dataset), str(backbone), pd.concat([methods, references], ignore_index=True)


def row_styles(run: Run) -> dict[str, Style]:
    """The style of every row of the run, so that its figures agree."""
    rows = rows_of_run(run)
    keys = zip(rows["row"], rows["method"], rows["kind"] == REFERENCE, strict=True)
    return assign_styles(keys, families(run))


def families(run: Run) -> dict[str, str]:
    """The family of each method, as the cards in its records say."""
    return {
        str(cell.spec["method"]): str((cell.record.get("card") or {}).get("family", ""))
        for cell in run.cells
    }


def nothing_to_plot(kind: str, need: str, remedy: str) -> NothingToReport:
    """The error for a figure that this run has no records for: need and remedy in one sentence."""
    return NothingToReport(f"a plot `{kind}` needs {need}; this run has none; {remedy}")


def short_names(rows: Iterable[str]) -> list[str]:
    """The rows as labels; of a long name the start and the end.

    Two that would be equal get some hex digits of a hash of their whole names.
    """
    names = list(rows)
    cut = {row: row if len(row) <= LONGEST else f"{row[:13]}…{row[-10:]}" for row in names}
    many = Counter(cut.values())
    return [
        cut[row] if many[cut[row]] == 1 else f"{row[:18]}…{zlib.crc32(row.encode()) % 0xFFFF:04x}"
        for row in cut
    ]


def legend_columns(rows: Sequence[str], width: float, most: int, size: float = 7.5) -> int:
    """Columns, `most` at most, of a legend of these rows that is `width` inches wide."""
    longest = max((len(name) for name in short_names(rows)), default=0)
    entry = (5.0 + 0.6 * longest) * size / 72
    return max(1, min(most, len(rows), int(width / entry)))


def counts_by_decade(axis: Axis) -> None:
    """Ticks of a log scale of counts in plain digits: 1,000, not a power."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.{0 if value >= 1 else 2}f}"))
    axis.set_minor_formatter(NullFormatter())


def draw_line(ax: Axes, x: ArrayLike, y: ArrayLike, style: Style, at: int = 0) -> None:
    """Draw a line in the style of a row; `at` shifts its three markers off those of other rows."""
    step = max(1, len(np.asarray(x)) // 3)
    ax.plot(
        x,
        y,
        color=style.color,
        marker=style.marker,
        markevery=(at % step, step),
        markersize=3.5,
        dashes=style.dashes or (None, None),
    )


def legend(
    figure: Figure | SubFigure,
    rows: Sequence[str],
    styles: Mapping[str, Style],
    *,
    columns: int,
    lines: bool = True,
    hollow: Sequence[str] = (),
) -> None:
    """Draw one legend below the axes, where it covers nothing."""
    figure.legend(
        legend_handles(rows, styles, lines=lines, hollow=hollow),
        short_names(rows),
        loc="outside lower center",
        ncols=min(columns, len(rows)),
        handlelength=2.2 if lines else 1.0,
        columnspacing=1.2,
    )


def legend_handles(
    rows: Sequence[str],
    styles: Mapping[str, Style],
    *,
    lines: bool = True,
    hollow: Sequence[str] = (),
) -> list[Line2D]:
    """What stands for each row in a legend: its marker, on its line unless there are no `lines`."""
    handles = []
    for row in rows:
        style = styles[row]
        handle = Line2D([], [], color=style.color, marker=style.marker, markersize=4.5)
        handle.set_markerfacecolor("white" if row in hollow else style.color)
        if not lines:
            handle.set_linestyle("none")
        elif style.dashes:
            handle.set_dashes(style.dashes)
        handles.append(handle)
    return handles
