"""Searches as tables: the rows of one data set, backbone and protocol, best first, with notes.

Rows of another protocol, or whose backbone was searched over other ranges, never share a table:
neither their scores nor their gains compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..runs.notes import Note, problem_of_store
from ..tables.blocks import by_block, place_in_block
from . import protocol_notes
from .lines import Line, line, with_bar
from .oracles import final_cells
from .searches import REFERENCE, Searched, searches


@dataclass(frozen=True)
class TuningBlock:
    """The rows of one data set, backbone and protocol, best first, then references."""

    dataset: str
    backbone: str
    hash: str
    metric: str
    """The metric of selection as papers write it."""
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]

    @property
    def methods(self) -> tuple[Line, ...]:
        """The rows that are trained on the backbone."""
        return tuple(each for each in self.lines if not each.reference)

    @property
    def references(self) -> tuple[Line, ...]:
        """The reference models of the data set."""
        return tuple(each for each in self.lines if each.reference)


@dataclass(frozen=True)
class TuningPage:
    """All tables of some searches."""

    blocks: tuple[TuningBlock, ...]
    notes: tuple[Note, ...]

    @property
    def pending(self) -> int:
        """How many rows have trials pending."""
        rows = {id(each.searched): each.searched for b in self.blocks for each in b.lines}
        return sum(bool(row.pending) for row in rows.values())


def tuning_page(source: str | Path | Sequence[str | Path]) -> TuningPage:
    """The tables of the searches in one run folder, or in several.

    Raises UserError for a damaged file, NothingToReport where there is no search.
    """
    return page_of(searches(source))


def page_of(rows: Sequence[Searched]) -> TuningPage:
    """The tables of these searches."""
    cells, problems = final_cells(each.folder for each in rows if each.folder is not None)
    keys = [(each.dataset, each.backbone, each.row, each.hash) for each in rows]
    lines = [line(each, cells.get(key, ())) for each, key in zip(rows, keys, strict=True)]
    blocks = []
    for at in sorted({(each.dataset, each.hash) for each in rows}):
        here = [each for each in lines if (each.searched.dataset, each.searched.hash) == at]
        pairs = [((at[0], _column(each)), each) for each in here]
        for (dataset, _), group in by_block(pairs).items():
            blocks.append(_block(dataset, group, rows))
    blocks.sort(key=lambda block: (block.dataset, block.backbone, block.hash))
    return TuningPage(tuple(blocks), tuple(problem_of_store(text) for text in problems))


def _column(each: Line) -> str:
    """What separates the tables of a protocol: the backbone, and the ranges shared on it."""
    own = each.searched
    return REFERENCE if own.reference else f"{own.backbone}\n{own.ranges_hash}"


def _block(dataset: str, group: Sequence[Line], rows: Sequence[Searched]) -> TuningBlock:
    ordered = sorted(
        with_bar(group),
        key=lambda each: place_in_block(
            REFERENCE if each.reference else "method", each.tuned, each.searched.row
        ),
    )
    first = next((each for each in ordered if not each.reference), ordered[0]).searched
    apart = protocol_notes.difference(first, rows)
    edges = any(each.searched.edges for each in ordered)
    notes = (
        *([apart] if apart else []),
        *protocol_notes.of_protocol(first),
        *protocol_notes.of_lines(ordered),
        *([protocol_notes.EDGE] if edges else []),
    )
    label = protocol_notes.label(first)
    return TuningBlock(dataset, first.backbone, first.hash, label, tuple(ordered), notes)
