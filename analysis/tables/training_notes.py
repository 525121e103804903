"""Notes on rows of a training that were compared with nothing, by row of the table.

A positive without a usable negative has a constant loss: it counts as a row of the training and
teaches nothing. Records of earlier versions do not hold the number, and then nothing is said.
"""

from collections import defaultdict

from negbench.storage.cell_store import Cell

from ..number_format import counted
from ..runs.frames import Run
from ..runs.notes import Note


def of_training(run: Run, dataset: str) -> list[Note]:
    """One note a row that trained on rows without a usable negative, its seeds together."""
    rows: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell, row in run.done:
        if cell.spec["dataset"] == dataset and (cell.record.get("fit") or {}).get(
            "rows_without_negative"
        ):
            rows[cell.backbone, row].append(cell)
    return [Note("training", _sentence(*place, cells)) for place, cells in rows.items()]


def _sentence(backbone: str, row: str, cells: list[Cell]) -> str:
    without, of = (
        sum(int(cell.record["fit"][name]) for cell in cells)
        for name in ("rows_without_negative", "rows")
    )
    seeds = counted(len(cells), "cell")
    return (
        f"{row} on {backbone} had no usable negative in {without:,} of {of:,} rows trained on "
        f"({seeds}): they taught nothing."
    )
