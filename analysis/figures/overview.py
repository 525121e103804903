"""Figure `overview`: one A4 page of six panels and a verdict for each data set and backbone."""

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from negbench.errors import NothingToReport

from ..measures import bands
from ..runs import frames
from ..runs.frames import MetricLike, Run
from ..runs.without_negatives import not_shown
from ..tables import footnotes
from ..tables.main_table import main_table
from ..tables.main_table_values import MainTable
from ..tables.row_phrases import said_once
from ..verdict.verdict import verdicts
from ._legend import draw_legend, legend_height, rest_entry, row_entries
from ._named_rows import NamedRows, named_rows
from ._overview_panels import PANELS, OverviewData, Slot
from ._style import RC_PARAMS, Plot, blocks, nothing_to_plot, title_of
from .heatmap import VS
from .tradeoff import front_plane

PLACE = 1

A4 = (8.27, 11.69)
SMALL: dict[Any, Any] = {
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 7,
}
MARGIN = 0.4
ACROSS = 6
"""The most columns of the legend."""
LINE = 0.135
"""Inches from line to line of the text."""
Text = Sequence[tuple[str, float, str]]
"""Lines with their size in points and their colour."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """One page a data set and backbone; a panel without records shows the reason.

    Raises NothingToReport if no method has every seed finished.
    """
    data = OverviewData(run, frames.choose_metric(run, metric))
    table = main_table(run, data.metric, VS)
    sentences = {(v.dataset, v.backbone): v.sentences for v in verdicts(run, table)}
    plots = []
    for dataset, backbone, block in blocks(data.bands):
        total = block[(block["band"] == bands.TOTAL) & (block["kind"] != frames.REFERENCE)]
        if total["mean"].isna().all():
            continue
        plane = front_plane(run, data.metric, backbone, block)
        named = named_rows(run, data.metric, block, also=plane["row"][plane["front"]])
        small = [*_small_print(run, dataset, backbone, table), *_unnamed(named)]
        text = _text(sentences.get((dataset, backbone), ()), small)
        figure, shown = _page(data, (dataset, backbone, plane, named), text)
        caption = (
            f"Overview of {dataset} with {backbone}: accuracy against balance, difference to {VS}, "
            "bands, false negatives, convergence and ranks."
        )
        plots.append(
            Plot(f"overview-{dataset}-{backbone}", dataset, backbone, caption, figure, shown)
        )
    if not plots:
        raise nothing_to_plot(
            "overview", "a method with every seed finished", "run it to the end first"
        )
    return plots


def _page(
    data: OverviewData, where: tuple[str, str, pd.DataFrame, NamedRows], text: Text
) -> tuple[Figure, pd.DataFrame]:
    """The page and, panel by panel, the frame that it shows."""
    dataset, backbone, _, named = where
    with mpl.rc_context({**RC_PARAMS, **SMALL}):
        figure = Figure(figsize=A4, layout="constrained")
        title = title_of(dataset, backbone, data.label)
        figure.text(0.06, 0.982, title, fontsize=10, va="center", color="#222222")
        low = 0.1 + LINE * len(text)
        wide, high = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN
        entries = [*row_entries(sorted(named.rows), named.styles), *rest_entry(named.rest)]
        key = 0.1 + legend_height(entries, wide, ACROSS)
        grid = figure.add_gridspec(
            3, 3, width_ratios=[MARGIN, wide, MARGIN], height_ratios=[MARGIN, high, MARGIN]
        )
        inner = figure.add_subfigure(grid[1, 1])
        parts = inner.add_gridspec(3, 1, height_ratios=[high - low - key, key, low])
        top, middle, bottom = (inner.add_subfigure(parts[at, 0]) for at in range(3))
        places = top.add_gridspec(3, 2)
        slots = [top.add_subfigure(places[divmod(at, 2)]) for at in range(len(PANELS))]
        shown = [
            _panel(Slot(on, data, *where), f"{at}", name)
            for at, (on, name) in enumerate(zip(slots, PANELS, strict=True), 1)
        ]
        draw_legend(middle, entries, wide, ACROSS)
        _write(bottom, text, low)
    return figure, pd.concat(shown, ignore_index=True)


def _panel(slot: Slot, number: str, name: str) -> pd.DataFrame:
    """Draw one panel under its title, or the reason why it is empty."""
    head, draw = PANELS[name]
    slot.on.suptitle(f"{number}  {head}", fontsize=7.5, x=0.02, ha="left", color="#222222")
    try:
        return draw(slot).assign(panel=name)
    except NothingToReport as error:
        why = textwrap.fill(str(error), 52)
        slot.on.text(0.5, 0.5, why, ha="center", va="center", fontsize=7, color="#777777")
        return pd.DataFrame({"panel": [name]})


def _text(sentences: Sequence[str], small: Sequence[str]) -> Text:
    """The verdict, then the small print, as lines that fit the page."""
    big = textwrap.wrap(" ".join(said_once(sentences)), 128)
    fine = textwrap.wrap(" ".join(small), 158)
    verdict = [(line, 7.5, "#111111") for line in [*big, ""]]
    return [*verdict, *((line, 6.2, "#555555") for line in fine)]


def _small_print(run: Run, dataset: str, backbone: str, table: MainTable) -> list[str]:
    """Split, exclusion, K, seeds and test, as in every output."""
    where = f"{dataset}, {backbone}."
    of_block = (*footnotes.of_data(run, dataset), *footnotes.of_seeds(run, dataset, backbone))
    notes = (note.text for note in (*of_block, *table.notes[:2]))
    missing = not_shown(run, dataset, backbone)
    return [where, *notes, *([f"In panel 4, {missing}"] if missing else [])]


def _unnamed(named: NamedRows) -> list[str]:
    """What the page leaves out of the panels that write the name of each row."""
    return [named.sentence, "Panels 2, 3 and 6 have the named rows alone."] if named.others else []


def _write(on: SubFigure, text: Text, height: float) -> None:
    for at, (line, size, color) in enumerate(text):
        y = 1 - (0.05 + LINE * at) / height
        on.text(0.01, y, line, fontsize=size, color=color, va="top", parse_math=False)
