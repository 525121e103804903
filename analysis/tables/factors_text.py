"""Layouts of the factorial analysis of variance: text, Markdown, LaTeX, csv and JSON."""

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

from ..number_format import metric_label, number
from ..runs.frames import Run
from ..runs.notes import Note
from ..statistics.variance_split import SEEDS, Effect, Part
from .factors import Factors, FactorsBlock, level_means
from .pending_notes import of_pending
from .render import as_json, comma_separated, markdown, require_format, text
from .table import Cell, Column, Table
from .tables_latex import latex


def render(run: Run, page: Factors, *, format: str = "text") -> str:
    """The analysis of a run as text, md, latex, csv or json.

    Raises UserError for an unknown format.
    """
    require_factors_format(format)
    return LAYOUTS[format](page, of_pending(run))


def require_factors_format(format: str) -> None:
    """Raises UserError if the format is unknown."""
    require_format("a format of factorials", format, LAYOUTS)


def tables(page: Factors, pending: Sequence[Note]) -> list[Table]:
    """One table a data set with its notes, and the notes of all."""
    shown = [_table(page, block) for block in page.blocks]
    return [*shown, Table(notes=(*pending, *page.notes))]


def _table(page: Factors, block: FactorsBlock) -> Table:
    bands = [band for band in page.bands if band in block.splits]
    columns = (Column("source", align="<"), *(Column(f"{band}, % [95 %]") for band in bands))
    rows = [
        (Cell(block.name(effect)), *(_cell(block, band, effect) for band in bands))
        for effect in block.effects
    ]
    deviations = (Cell(number(block.splits[band].sd)) for band in bands)
    rows.append((Cell(f"sd of {metric_label(page.metric)}"), *deviations))
    notes = (*(Note("settings", words) for words in level_means(block)), *block.notes)
    title = f"{block.design.dataset} · variance of {metric_label(page.metric)} · {block.size}"
    return Table(title, columns, tuple(rows), notes=notes, squeeze=True, headline=block.headline)


def _cell(block: FactorsBlock, band: str, effect: Effect) -> Cell:
    part = block.part(band, effect)
    if part is None or isnan(part.share):
        return Cell("-")
    parts = [p for p in block.splits[band].parts if p.effect != SEEDS]
    best = effect != SEEDS and part.share == max(p.share for p in parts)
    return Cell(_percent(part.share), repr(part.share), _interval(part), best=best)


def _interval(part: Part) -> str:
    return f"[{_percent(part.low)}, {_percent(part.high)}]"


def _percent(share: float) -> str:
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text


def _tree(page: Factors, pending: Sequence[Note]) -> dict[str, Any]:
    """All figures for JSON, with the notes."""
    lines = page.frame.to_dict("records")
    return {
        "metric": str(page.metric),
        "blocks": [
            {
                "dataset": block.design.dataset,
                "levels": dict(block.design.levels),
                "seeds": block.design.seeds,
                "means": block.means,
                "parts": [line for line in lines if line["dataset"] == block.design.dataset],
                "notes": block.notes,
            }
            for block in page.blocks
        ],
        "notes": (*pending, *page.notes),
    }


LAYOUTS: dict[str, Callable[[Factors, Sequence[Note]], str]] = {
    "text": lambda page, pending: text(tables(page, pending)),
    "md": lambda page, pending: markdown(tables(page, pending)),
    "latex": lambda page, pending: latex(tables(page, pending)),
    "csv": lambda page, _: comma_separated(page.frame),
    "json": lambda page, pending: as_json(_tree(page, pending)),
}
