"""The part of the report on searches of settings: scores, chosen values, spaces, protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..figures._search_blocks import apart, page_of_run, stem
from ..figures._style import Plot
from ..runs.frames import Run
from ..runs.notes import Note
from ..tables.table import Column, Table, table_of
from ..tuning.latex import own_ranges, shared_ranges
from ..tuning.layouts import SCORES, SETTINGS, record
from ..tuning.page import TuningBlock
from ..tuning.protocol_notes import ANOVA, ONE_SEED, UNREAD
from .table_columns import METHOD

KINDS = ("tuning", "tuning-shares", "tuning-points")
"""The kinds of figure that stand here; the first beside the scores."""
RANGES = Column("Searched", "ranges")


@dataclass(frozen=True)
class TuningPart:
    """A data set, backbone and protocol on the page."""

    title: str
    tables: tuple[Table, ...]
    """The scores, then what was chosen."""
    spaces: Table | None
    notes: tuple[Note, ...]
    plots: tuple[str, ...]
    """The names of its plots."""


def tuning_parts(run: Run) -> list[TuningPart]:
    """One part a block of the searches in the folders of a run.

    Raises UserError for a damaged file, NothingToReport where there is no search.
    """
    page = page_of_run(run)
    parts = []
    for block in page.blocks:
        shares = any(line.shares for line in block.lines)
        notes = (*block.notes, *([ANOVA] if shares else []))
        names = tuple(stem(kind, block, page.blocks) for kind in KINDS)
        own = apart(block, page.blocks)
        title = " · ".join([block.dataset, block.backbone, *(f"protocol {n}" for n in own[:1])])
        parts.append(TuningPart(title, _tables(block), _spaces(block), notes, names))
    return parts


def _tables(block: TuningBlock) -> tuple[Table, ...]:
    captions = (
        f"Test {block.metric}, one seed. {UNREAD.text} {ONE_SEED.text}",
        f"Settings chosen on validation {block.metric}.",
    )
    rows = [list(map(record, each)) for each in (block.methods, block.references)]
    both = (
        table_of(caption, (METHOD, *columns), *rows)
        for caption, columns in zip(captions, (SCORES, SETTINGS), strict=True)
    )
    return tuple(table for table in both if table is not None)


def _spaces(block: TuningBlock) -> Table | None:
    shared = shared_ranges(block)
    ranges = "; ".join(f"{name} {text}" for name, text in shared.items())
    caption = f"Searched for every method: {ranges}; its own parameters:" if shared else "Searched:"
    rows = [
        [{"row": line.searched.row, "ranges": own_ranges(line, shared)} for line in lines]
        for lines in (block.methods, block.references)
    ]
    return table_of(caption, (METHOD, RANGES), *rows)


def plots_of_part(part: TuningPart, plots: Sequence[tuple[str, Plot]]) -> list[tuple[str, Plot]]:
    """Those of the run's plots that stand in this part, with their kinds."""
    return [(kind, plot) for kind, plot in plots if plot.trials and plot.name in part.plots]
