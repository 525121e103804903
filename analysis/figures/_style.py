"""Shared figure style: sizes, matplotlib rc parameters, title, and the `Plot` that kinds return.

For papers: 3.33 or 7 inches wide, 8 point type, TrueType fonts, one line of title, one style a
method.
pyplot is not used, so drawing changes no global state.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import ArrayLike

from negbench.errors import NothingToReport

from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import rows_of_run
from ._palette import REST, Style, assign_styles

ONE, TWO = 3.33, 7.0
"""Widths in inches of one and of two columns of a page."""
TITLE = 0.2
"""Inches of the title."""
INK = "#222222"
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
    "text.parse_math": False,  # names are text, also where their room is measured
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
    return assign_styles(zip(rows["row"], rows["method"], rows["kind"] == REFERENCE, strict=True))


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


def width_of(run: Run, own: float) -> float:
    """The width of a figure in inches: the one asked for, else that of its kind."""
    return run.figures.width or own


def titled_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure under one line that says where it is from and what it shows."""
    figure = Figure(figsize=(width, height + TITLE), layout="constrained")
    figure.suptitle(title, fontsize=8, x=0.01, ha="left", color=INK)
    return figure


def write_title(figure: Figure, title: str) -> None:
    """The same title over axes that are placed by hand, which leave room for it."""
    at = 1 - 0.75 * TITLE / figure.get_figheight()
    figure.text(0.01, at, title, fontsize=8, color=INK)


def title_of(dataset: str, backbone: str, *what: str) -> str:
    """The title of a figure: `goodbooks, mf: NDCG@20`; what is "" is left out."""
    where = [dataset, "" if backbone == REFERENCE else backbone]
    return ": ".join(filter(None, [", ".join(filter(None, short_names(where))), *what]))


def panels(figure: Figure, count: int, **options: Any) -> list[Axes]:
    """Panels side by side, or in a figure of one column one below the other."""
    down, across = (count, 1) if is_narrow(figure) else (1, count)
    return list(figure.subplots(down, across, squeeze=False, **options).ravel())


def is_narrow(figure: Figure) -> bool:
    """Whether it is made for one column of a page."""
    return float(figure.get_figwidth()) < (ONE + TWO) / 2


def counts_by_decade(axis: Axis) -> None:
    """Ticks of a log scale of counts in plain digits: 1,000, not a power."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.{0 if value >= 1 else 2}f}"))
    axis.set_minor_formatter(NullFormatter())


def draw_line(ax: Axes, x: ArrayLike, y: ArrayLike, style: Style, at: int = 0) -> None:
    """Draw a line in the style of a row; `at` shifts its three markers off those of other rows."""
    step, is_rest = max(1, len(np.asarray(x)) // 3), style is REST
    lone = is_rest and len(np.asarray(x)) == 1  # a line of one point cannot be seen
    ax.plot(
        x,
        y,
        color=style.color,
        marker="o" if lone else style.marker,
        markevery=(at % step, step),
        markersize=2 if lone else 3.5,
        dashes=style.dashes or (None, None),
        linewidth=0.6 if is_rest else None,
        zorder=1.5 if is_rest else 2,
    )
