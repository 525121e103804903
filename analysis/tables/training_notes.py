"""Notes on rows of a training that were compared with nothing, by row of the table.

A positive without a usable negative has a constant loss, or one of its own score alone (BCE): it
counts as a row of the training, and no order is learnt from it. Records of earlier versions do not
hold the number, and then nothing is said. A method whose loss takes no negatives at all lacks
nothing: its rates of negatives are "-".
"""

from collections import defaultdict

from negbench.storage.cell_store import Cell

from ..number_format import counted, listed
from ..runs.frames import Run
from ..runs.notes import Note
from ..runs.without_negatives import rows_without


def of_training(run: Run, dataset: str) -> list[Note]:
    """One note a row that trained on rows without a usable negative, its seeds together.

    And one on all rows whose method uses no negatives.
    """
    rows: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell, row in run.done:
        if cell.spec["dataset"] == dataset and (cell.record.get("fit") or {}).get(
            "rows_without_negative"
        ):
            rows[cell.backbone, row].append(cell)
    notes = [Note("training", _sentence(*place, cells)) for place, cells in rows.items()]
    if free := rows_without(run, dataset):
        use = "uses" if len(free) == 1 else "use"
        text = f'{listed(free)} {use} no negatives: "-" in what is measured of negatives.'
        notes.append(Note("training", text))
    return notes


def _sentence(backbone: str, row: str, cells: list[Cell]) -> str:
    without, of = (
        sum(int(cell.record["fit"][name]) for cell in cells)
        for name in ("rows_without_negative", "rows")
    )
    seeds = counted(len(cells), "cell")
    return (
        f"{row} on {backbone} had no usable negative in {without:,} of {of:,} rows trained on "
        f"({seeds}): they were compared with nothing."
    )
