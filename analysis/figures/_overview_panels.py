"""The six panels of the overview page: each draws into its slot and returns what it shows.

Who wins, for whom, at what false-negative risk, at what cost, and is it real. The drawing is that
of the single figures; what a run lacks is refused by the same sentence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from negbench.evaluation.metric_names import Metric

from ..measures import bands
from ..measures.convergence import convergence
from ..measures.cost import cost
from ..number_format import spelled
from ..runs import frames
from ..runs.frames import Run
from ..statistics.significance import significance
from . import ranks as ranks_figure
from ._palette import Look
from ._style import nothing, run_looks
from .bands import draw_bands
from .convergence import AXES, draw_curves, validated
from .fn_rate import draw_rate, mean_rates, said_rate
from .heatmap import VS, distances, draw_heatmap, places_of
from .tradeoff import draw_plane, front_plane

ACROSS = 6
"""The most columns of the heat map; beyond them only those of the page's data set."""
WIDTHS = (3.5, 10.0)
"""Of the markers, in points, from the quickest to the slowest row; their area grows with time."""


@dataclass(frozen=True, eq=False)
class Source:
    """What all pages of a run draw from, each made once and when it is first asked for."""

    run: Run
    metric: Metric

    @cached_property
    def looked(self) -> Mapping[str, Look]:
        """The look of every row."""
        return run_looks(self.run)

    @property
    def asked(self) -> str:
        """The metric as users type it."""
        return f"{self.metric[0]}@{self.metric[1]}"

    @property
    def shown(self) -> str:
        """The metric as papers write it."""
        return spelled(*self.metric)

    @cached_property
    def bands(self) -> pd.DataFrame:
        """The metric on all items, each band, and their balance."""
        return bands.bands(self.run, self.asked)

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Differences, ranks and tie groups."""
        return significance(self.run, self.asked, vs=VS)

    @cached_property
    def distances(self) -> pd.DataFrame:
        """What the heat map shows."""
        return distances(self.tests)


@dataclass(frozen=True, eq=False)
class Slot:
    """A place on a page, and the data set and backbone that the page is of."""

    on: Figure | SubFigure
    source: Source
    dataset: str
    backbone: str

    def here(self, told: pd.DataFrame) -> pd.DataFrame:
        """The lines of this data set and backbone, references among them."""
        at_home = told["backbone"].isin([self.backbone, frames.REFERENCE])
        return told[(told["dataset"] == self.dataset) & at_home]


def tradeoff(slot: Slot) -> pd.DataFrame:
    """Accuracy against balance; the area of a marker is the time of an epoch."""
    source = slot.source
    plane = front_plane(slot.here(source.bands))
    seconds = slot.here(cost(source.run, VS)).set_index("row")["train"]
    plane["s_per_epoch"] = plane["row"].map(seconds)
    sizes = widths(plane.set_index("row")["s_per_epoch"])
    ax = slot.on.subplots()
    draw_plane(ax, plane, source.looked, bands.BALANCE, "balance", source.shown, sizes)
    return plane


def widths(seconds: pd.Series) -> dict[str, float]:
    """The width in points of each row's marker, so that areas grow with seconds."""
    known = seconds.dropna()
    slowest = known.max() if len(known) else np.nan
    least, most = WIDTHS
    if not slowest > 0:
        return {}
    return {str(row): max(least, most * (s / slowest) ** 0.5) for row, s in known.items()}


def heatmap(slot: Slot) -> pd.DataFrame:
    """All data sets and backbones where they fit, else those of this data set."""
    told = slot.source.distances
    if len(places_of(told)) > ACROSS:
        told = told[told["dataset"] == slot.dataset]
    rows = told["row"].nunique()
    draw_heatmap(slot.on.subplots(), told, places_of(told), 6.5 if rows <= 15 else 5)
    return told


def band_bars(slot: Slot) -> pd.DataFrame:
    """A small panel a band."""
    block = slot.here(slot.source.bands)
    parts = bands.names(slot.source.run)
    axes = slot.on.subplots(1, len(parts), sharex=True, sharey=True)
    draw_bands(axes, block, parts, slot.source.looked)
    slot.on.supxlabel(slot.source.shown, fontsize=7)
    return block[block["band"].isin(parts)]


def false_negatives(slot: Slot) -> pd.DataFrame:
    """The rate of all used negatives."""
    told = slot.here(mean_rates(slot.source.run))
    if told.empty:
        raise nothing("fn-rate", "epochs with a false-negative rate", "run it with --probe sample")
    ax = slot.on.subplots()
    draw_rate(ax, told, "fnr", slot.source.looked)
    ax.set_ylabel(said_rate(told))
    return told


def curves(slot: Slot) -> pd.DataFrame:
    """The validation metric by wall clock, or by epoch where no clock was kept."""
    told = slot.here(convergence(slot.source.run))
    if told.empty:
        raise nothing("convergence", "epochs with a validation metric", "train with `run`")
    ax = slot.on.subplots()
    draw_curves(ax, told, next(x for x in AXES if told[x].notna().any()), slot.source.looked)
    ax.set_ylabel(validated(told))
    return told


def ranks(slot: Slot) -> pd.DataFrame:
    """Ranks with their intervals; the tie group of the best is shaded."""
    told = slot.here(slot.source.tests).sort_values(["rank", "row"], ignore_index=True)
    if told.empty:
        raise nothing("ranks", "a method with every seed finished", "run it to the end first")
    ranks_figure.panel(slot.on.subplots(), told, dict(slot.source.looked), slot.source.shown)
    return told[[*frames.ROW, "metric", *ranks_figure.COLUMNS]]


PANELS: Mapping[str, tuple[str, Callable[[Slot], pd.DataFrame]]] = {
    "tradeoff": ("accuracy and balance; area: s/epoch", tradeoff),
    "heatmap": (f"difference to {VS} in %; hatched: not significant", heatmap),
    "bands": (f"bands; dashed: {VS}", band_bars),
    "fn-rate": ("false negatives; wide grey: uniform draws", false_negatives),
    "convergence": ("convergence", curves),
    "ranks": ("rank intervals; shaded: tied with the best", ranks),
}
"""The panels in the order of reading: head and drawing."""
