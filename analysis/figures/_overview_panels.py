"""The six panels of the overview page: each draws into its slot and returns the frame it shows.

Accuracy, bands, false negatives, cost and significance. The drawing is that of the single figures;
what a run lacks raises the same NothingToReport.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from negbench.evaluation.metric_names import Metric

from ..measures import bands
from ..measures.convergence import convergence
from ..measures.cost import cost
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import Run
from ..runs.without_negatives import how_to_get_some
from ..statistics.significance import significance
from . import ranks as ranks_figure
from ._named_rows import NamedRows
from ._style import nothing_to_plot
from .bands import draw_bands, own_scales
from .convergence import AXES, draw_curves, validation_label
from .fn_rate import bound, draw_rate, rates
from .heatmap import VS, distances, draw_heatmap, places_of
from .tradeoff import draw_plane

ACROSS = 6
"""The most columns of the heat map; beyond them only those of the page's data set."""
WIDTHS = (3.5, 10.0)
"""Marker sizes in points from the fastest to the slowest row; the area grows with seconds."""


@dataclass(frozen=True, eq=False)
class OverviewData:
    """The frames and styles that all pages of a run share, each computed once, on first use."""

    run: Run
    metric: Metric

    @property
    def label(self) -> str:
        """The metric as papers write it."""
        return metric_label(self.metric)

    @cached_property
    def bands(self) -> pd.DataFrame:
        """The metric on all items and each band, and the balance over bands."""
        return bands.bands(self.run, self.metric)

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Differences, ranks and tie groups."""
        return significance(self.run, self.metric, vs=VS)

    @cached_property
    def distances(self) -> pd.DataFrame:
        """The relative differences that the heat map shows."""
        return distances(self.tests)


@dataclass(frozen=True, eq=False)
class Slot:
    """The subfigure of a panel, and the data set and backbone of its page."""

    on: Figure | SubFigure
    data: OverviewData
    dataset: str
    backbone: str
    plane: pd.DataFrame
    """That of `tradeoff`."""
    named: NamedRows
    """The rows that the page names, those on the line of the plane among them."""

    def only_named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The lines of the named rows, for panels that write the name of each row."""
        return frame[frame["row"].isin(self.named.rows)].reset_index(drop=True)

    def here(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The lines of this data set and backbone, references among them."""
        of_backbone = frame["backbone"].isin([self.backbone, frames.REFERENCE])
        return frame[(frame["dataset"] == self.dataset) & of_backbone]


def tradeoff(slot: Slot) -> pd.DataFrame:
    """Accuracy against balance; the area of a marker is the time of an epoch."""
    data = slot.data
    plane = slot.plane.copy()
    seconds = slot.here(cost(data.run, VS)).set_index("row")["seconds"]
    plane["s_per_epoch"] = plane["row"].map(seconds)
    sizes = widths(plane.set_index("row")["s_per_epoch"])
    ax = slot.on.subplots()
    draw_plane(ax, plane, slot.named, bands.BALANCE, "balance", data.label, sizes)
    return plane


def widths(seconds: pd.Series) -> dict[str, float]:
    """The marker size in points of each row; the area grows with its seconds."""
    known = seconds.dropna()
    slowest = known.max() if len(known) else np.nan
    least, most = WIDTHS
    if not slowest > 0:
        return {}
    return {str(row): max(least, most * (s / slowest) ** 0.5) for row, s in known.items()}


def heatmap(slot: Slot) -> pd.DataFrame:
    """All data sets and backbones if they fit, else those of this data set.

    Raises NothingToReport if no named row is tested against `random`.
    """
    frame = slot.only_named(slot.data.distances)
    if len(places_of(frame)) > ACROSS:
        frame = frame[frame["dataset"] == slot.dataset]
    if frame.empty:
        raise nothing_to_plot("heatmap", "a named row that is tested", "run more of its seeds")
    size = row_label_size(frame["row"].nunique())
    ax = slot.on.subplots()
    draw_heatmap(ax, frame, places_of(frame), size)
    ax.tick_params(axis="y", labelsize=size)
    return frame


def row_label_size(rows: int) -> float:
    """The points of the names of so many rows, one below the other in a panel."""
    return 6.5 if rows <= 12 else 5


def band_bars(slot: Slot) -> pd.DataFrame:
    """A small panel a band."""
    block = slot.only_named(slot.here(slot.data.bands))
    parts = bands.names(slot.data.run)
    axes = slot.on.subplots(1, len(parts), sharex=not own_scales(block, parts), sharey=True)
    draw_bands(axes, block, parts, slot.named)
    for ax in axes:
        ax.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
        ax.tick_params(axis="y", labelsize=row_label_size(block["row"].nunique()))
    slot.on.supxlabel(slot.data.label, fontsize=7)
    return block[block["band"].isin(parts)]


def false_negatives(slot: Slot) -> pd.DataFrame:
    """The rate of all used negatives. Raises NothingToReport if none was probed."""
    frame = slot.here(rates(slot.data.run))
    frame = frame[frame["part"] == "fnr"]
    if frame.empty:
        raise nothing_to_plot(
            "fn-rate", "epochs with a false-negative rate", how_to_get_some(slot.data.run)
        )
    ax = slot.on.subplots()
    draw_rate(ax, frame, "fnr", slot.named)
    ax.set_ylabel(f"rate ({bound(frame)})")  # the title says of what
    return frame


def curves(slot: Slot) -> pd.DataFrame:
    """The validation metric by wall clock, or by epoch if no time was logged.

    Raises NothingToReport if no epoch was validated.
    """
    frame = slot.here(convergence(slot.data.run))
    if frame.empty:
        raise nothing_to_plot("convergence", "epochs with a validation metric", "train with `run`")
    most = str(frame["metric"].mode()[0])
    frame = frame[frame["metric"] == most]  # one axis holds one metric
    ax = slot.on.subplots()
    draw_curves(ax, frame, next(x for x in AXES if frame[x].notna().any()), slot.named)
    ax.set_ylabel(validation_label(frame).removeprefix("validation "))
    return frame


def ranks(slot: Slot) -> pd.DataFrame:
    """Ranks with their intervals; the tie group of the best is shaded.

    Raises NothingToReport if no method has every seed finished.
    """
    tests = slot.here(slot.data.tests)
    frame = tests[tests["rank"].notna()].sort_values(["rank", "row"], ignore_index=True)
    if frame.empty:
        raise nothing_to_plot(
            "ranks", "a method with every seed finished", "run it to the end first"
        )
    frame = slot.only_named(frame)
    ax = slot.on.subplots()
    ranks_figure.panel(ax, frame, slot.named, "rank")
    ax.tick_params(axis="y", labelsize=row_label_size(len(frame)))
    return frame[[*frames.ROW, "metric", *ranks_figure.COLUMNS]]


PANELS: Mapping[str, tuple[str, Callable[[Slot], pd.DataFrame]]] = {
    "tradeoff": ("accuracy and balance; area: s/epoch; filled: on the line", tradeoff),
    "heatmap": (f"difference to {VS} in %; hatched: not significant", heatmap),
    "bands": (f"bands; dashed: {VS}", band_bars),
    "fn-rate": ("false negatives; wide grey: uniform draws", false_negatives),
    "convergence": ("convergence on validation", curves),
    "ranks": ("rank intervals; shaded: tied with the best", ranks),
}
"""The panels in reading order: title and drawing function."""
