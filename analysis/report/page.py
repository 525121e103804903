"""Content of the report, gathered from the analyses; the template `report.html` lays it out.

An analysis or a figure that this run has no records for is named in one sentence and skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from negbench.errors import NothingToReport, UserError
from negbench.evaluation.metric_names import Metric

from ..figures import KINDS
from ..figures._export import data_uri
from ..figures._style import ONE, Plot
from ..measures.bands import activity, bands
from ..measures.convergence import time_to
from ..measures.cost import cost
from ..measures.false_negatives import false_negatives
from ..measures.hardness import hardness
from ..measures.known_negatives import known_negatives
from ..measures.popularity_bias import popularity_bias
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import Run
from ..statistics.significance import significance
from ..tables import footnotes
from ..tables.main_table import main_table
from ..tables.main_table_text import BOLD, block_table
from ..tables.main_table_values import Block, MainTable
from ..tables.pending_notes import pending
from ..tables.render import comma_separated
from ..tables.table import Table
from ..verdict.recommendation import Recommendation, recommendation
from ..verdict.verdict import verdicts
from . import settings
from .block_order import Place, in_typed_order, typed_order
from .method_cards import method_cards
from .rows import rows
from .sections import Frames, Section, sections
from .standings_table import standings_table
from .table_csv import text_uri
from .tuning_part import KINDS as TUNING_KINDS
from .tuning_part import TuningPart, plots_of_part, tuning_parts

ANALYSES: Mapping[str, Callable[[Run, Metric, str], pd.DataFrame]] = {
    "bands": lambda run, metric, vs: bands(run, metric),
    "activity": lambda run, metric, vs: activity(run, metric),
    "false_negatives": lambda run, metric, vs: false_negatives(run),
    "known_negatives": lambda run, metric, vs: known_negatives(run),
    "hardness": lambda run, metric, vs: hardness(run),
    "popularity_bias": lambda run, metric, vs: popularity_bias(run, metric.k),
    "tests": lambda run, metric, vs: significance(run, metric, vs=vs),
    "time_to": lambda run, metric, vs: time_to(run),
    "cost": lambda run, metric, vs: cost(run, vs),
}
"""The analyses whose frames the report shows."""
OVERVIEW = "overview"
CAPTION = f"Test part, {{ranking}} ranking. {BOLD.text} A head sorts its column."


@dataclass(frozen=True)
class Image:
    """A figure of the page."""

    kind: str
    caption: str
    source: str
    wide: bool
    """Whether it needs more than a column of a page to be read."""


@dataclass(frozen=True)
class BlockPage:
    """A data set and backbone on the page."""

    title: str
    block: Block
    verdict: tuple[str, ...]
    """Sentences; the first is the headline of the block."""
    main: Table
    overview: tuple[Image, ...]
    sections: tuple[tuple[Section, tuple[Image, ...]], ...]
    more: tuple[Image, ...]
    """Figures that stand in no section."""


def content(run: Run, metric: str | None = None, vs: str = "random") -> dict[str, Any]:
    """Everything that the template shows."""
    place = typed_order(run)
    table = in_typed_order(main_table(run, metric, vs), place)
    chosen, open_choice = _recommendation(run, table)
    results, lacking = _analyses(run, table.metric, vs)
    searched, unread = _searched(run)
    kinds = [kind for kind in KINDS if searched or kind not in TUNING_KINDS]
    plots, undrawn = _plots(run, table.metric, kinds)
    blocks = {(block.dataset, block.backbone) for block in table.blocks}
    of_run = [(kind, p) for kind, p in plots if not p.trials]
    rest = [(kind, p) for kind, p in of_run if (p.dataset, p.backbone) not in blocks]
    datasets = {dataset for dataset, _ in blocks}
    texts = {(each.dataset, each.backbone): each.sentences for each in verdicts(run, table)}
    lines = _placed(settings.settings(run), place)
    return {
        "table": table,
        "metric": metric_label(table.metric),
        "recommendation": chosen,
        "standings": standings_table(chosen) if chosen else None,
        "rows": rows(run, table),
        "overview": _images([(kind, p) for kind, p in rest if p.dataset not in datasets]),
        "parts": [
            _block_page(table, block, texts[block.dataset, block.backbone], results, of_run)
            for block in table.blocks
        ],
        "tuning": [(part, _images(plots_of_part(part, plots))) for part in searched],
        "lacking": [*open_choice, *lacking, *unread, *undrawn],
        "starts": run.starts,
        "folders": [folder.name for folder in run.folders],
        "failed": _failed(run),
        "damaged": run.damaged,
        "remarks": run.remarks,
        "methods": method_cards(run),
        "data": _data(run, rest, place),
        "environments": environments(run),
        "settings": settings.tables(lines),
        "settings_csv": text_uri(comma_separated(lines)),
        "facts": settings.facts(run),
        "stopping": settings.stopping(run),
        "pending": pending(run),
    }


def _recommendation(run: Run, table: MainTable) -> tuple[Recommendation | None, list[str]]:
    """Which row to choose, and why nothing can be said of it."""
    try:
        return recommendation(run, table), []
    except UserError as error:
        return None, [str(error)]


def _analyses(run: Run, metric: Metric, vs: str) -> tuple[Frames, list[str]]:
    """The frame of each analysis, and why any has none."""
    results: dict[str, pd.DataFrame] = {}
    lacking = []
    for name, analyse in ANALYSES.items():
        try:
            results[name] = analyse(run, metric, vs)
        except UserError as error:
            lacking.append(str(error))
    return results, lacking


def _searched(run: Run) -> tuple[list[TuningPart], list[str]]:
    """The parts on searches, none where none was made, and why any cannot be read."""
    try:
        return tuning_parts(run), []
    except NothingToReport:
        return [], []
    except UserError as error:
        return [], [str(error)]


def _plots(
    run: Run, metric: Metric, kinds: Sequence[str]
) -> tuple[list[tuple[str, Plot]], list[str]]:
    """The figures of these kinds, and why any kind is not drawn."""
    plots: list[tuple[str, Plot]] = []
    undrawn = []
    for kind in kinds:
        try:
            plots += [(kind, plot) for plot in KINDS[kind](run, metric)]
        except UserError as error:
            undrawn.append(str(error))
    return plots, undrawn


def _block_page(
    table: MainTable,
    block: Block,
    verdict: tuple[str, ...],
    results: Frames,
    plots: Sequence[tuple[str, Plot]],
) -> BlockPage:
    where = (block.dataset, block.backbone)
    images = _images(
        [(kind, plot) for kind, plot in plots if (plot.dataset, plot.backbone) == where]
    )
    parts = sections(table, block, results)
    approximate = any(note.kind == "size" and "approximate" in note.text for note in block.notes)
    caption = CAPTION.format(ranking="approximate" if approximate else "full")
    placed = {OVERVIEW, *(kind for section in parts for kind in section.kinds)}
    return BlockPage(
        block.title,
        block,
        verdict,
        replace(block_table(table, block), caption=caption),
        tuple(image for image in images if image.kind == OVERVIEW),
        tuple((each, tuple(i for i in images if i.kind in each.kinds)) for each in parts),
        tuple(image for image in images if image.kind not in placed),
    )


def _images(plots: Sequence[tuple[str, Plot]]) -> list[Image]:
    return [
        Image(kind, plot.caption, data_uri(plot), plot.figure.get_size_inches()[0] > 1.2 * ONE)
        for kind, plot in plots
    ]


def _failed(run: Run) -> list[dict[str, Any]]:
    cells = frames.cells(run)
    lines = cells[cells["status"] != "done"].to_dict("records")
    return [{str(k): v for k, v in line.items()} for line in lines]


def _data(run: Run, plots: Sequence[tuple[str, Plot]], place: Place) -> list[dict[str, Any]]:
    """The licence, the source, the protocol and the notes of each data set."""
    data = {cell.spec["dataset"]: cell.record["data"] for cell, _ in run.done}
    return [
        {
            **data[name],
            "name": name,
            "protocol": footnotes.of_data(run, name),
            "notes": footnotes.notes_of_data(run, name),
            "images": _images([(kind, plot) for kind, plot in plots if plot.dataset == name]),
        }
        for name in sorted(data, key=lambda name: place(name, ""))
    ]


def _placed(lines: pd.DataFrame, place: Place) -> pd.DataFrame:
    """The lines with their data sets and backbones in this order."""
    where = list(zip(lines["dataset"], lines["backbone"], strict=True))
    return lines.iloc[sorted(range(len(where)), key=lambda at: place(*where[at]))]


def environments(run: Run) -> int:
    """In how many environments the cells ran; of more than one their seconds do not compare."""
    ran = (cell.record.get("environment") or {} for cell, _ in run.done)
    return len({repr(sorted(each.items())) for each in ran})
