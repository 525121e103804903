"""Cells of a run by what a user calls them: data set, backbone, row of the table, seed."""

from collections.abc import Mapping, Sequence

from negbench.errors import UserError
from negbench.storage.cell_store import Cell

Name = str | int
CellAndRow = tuple[Cell, str]
"""A cell, and the label of its row in the tables."""
LISTED = 6
"""How many cells an error names."""


def names_of(cell: Cell, row: str) -> dict[str, tuple[Name, ...]]:
    """What a cell is called: its full name first, then its plug-in's."""
    spec = cell.spec
    return {
        "dataset": (spec["dataset"],),
        "backbone": (cell.backbone, spec["backbone"]),
        "row": (row, spec["method"]),
        "seed": (spec["seed"],),
    }


def called(cells: Sequence[CellAndRow], field: str, word: Name) -> list[CellAndRow]:
    """The cells of this name: `dns` is the row that is called so, else every row of dns."""
    exact = [each for each in cells if names_of(*each)[field][0] == word]
    return exact or [each for each in cells if word in names_of(*each)[field]]


def one_row(
    cells: Sequence[CellAndRow],
    words: Mapping[str, Name | None],
    *,
    must: str,
    takes: str,
    options: str,
) -> CellAndRow:
    """The cell that the words name, None for any; of several seeds the first.

    Raises UserError if they name none (what the words `must`) or several rows (what the command
    `takes`); `options` are those that tell rows apart.
    """
    meant = list(cells)
    for field, word in words.items():
        if word is not None:
            meant = called(meant, field, word)
    if not meant:
        raise UserError(f"{must}; none is such; this run has {_listed(cells)}")
    if len({_words(*each) for each in meant}) > 1:
        raise UserError(f"{takes}; got {_listed(meant)}; name one of them by {options}")
    return min(meant, key=lambda each: int(each[0].spec["seed"]))


def _words(cell: Cell, row: str) -> str:
    return f"{cell.spec['dataset']} {cell.backbone} {row}"


def _listed(cells: Sequence[CellAndRow]) -> str:
    rows = sorted({_words(*each) for each in cells})
    return "; ".join([*rows[:LISTED], *(["..."] if len(rows) > LISTED else [])])
