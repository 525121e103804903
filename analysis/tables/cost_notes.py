"""Notes on cost: which seconds a column has, and where the two clocks part."""

from collections.abc import Iterable

import pandas as pd

from ..measures.cost import CPU, WALL, cell_costs
from ..number_format import counted
from ..runs.frames import REFERENCE, Run
from ..runs.notes import Note

ALIKE = (0.8, 1.25)
"""CPU seconds over wall seconds between which the clocks of a cell agree."""
HEADERS = {CPU: "CPU s/epoch", WALL: "s/epoch"}
"""The header of the seconds of each clock."""


def of_cost(run: Run) -> list[Note]:
    """What the seconds are, that clocks disagree, and that cells ran on several machines."""
    cells = cell_costs(run)
    trained = cells[(cells["kind"] != REFERENCE) & cells["seconds"].notna()]
    on_cpu = trained[trained["clock"] == CPU]
    meanings = [_meaning(clock, trained) for clock in (CPU, WALL) if clock in set(trained["clock"])]
    return [*(Note("columns", text) for text in meanings), *_apart(on_cpu), *_machines(trained)]


def _meaning(clock: str, cells: pd.DataFrame) -> str:
    text = f"{HEADERS[clock]}: {clock} seconds of sampling, scoring and update"
    threads = max(_threads(cells[cells["clock"] == clock]), default=1)
    if clock == CPU and threads > 1:
        return f"{text}, of all {counted(threads, 'thread')} together."
    return f"{text}."


def _threads(cells: pd.DataFrame) -> Iterable[int]:
    known = pd.to_numeric(cells["threads"], errors="coerce").dropna() if "threads" in cells else ()
    return (int(n) for n in known)


def _apart(cells: pd.DataFrame) -> list[Note]:
    """One sentence for each side on which CPU and wall seconds of a cell part."""
    ratio = cells["cpu"] / cells["train"].where(cells["train"] > 0)
    least, most = ALIKE
    slowed, beside = ratio[(ratio < least) & (ratio > 0)], ratio[ratio > most]
    texts = []
    if len(slowed):
        texts.append(
            f"Wall seconds were up to {1 / slowed.min():.1f} times the CPU seconds "
            f"(in {_of(slowed, cells)}): other work ran beside."
        )
    if len(beside):
        texts.append(
            f"CPU seconds were up to {beside.max():.1f} times the wall seconds "
            f"(in {_of(beside, cells)}): several threads worked."
        )
    return [Note("cost", text) for text in texts]


def _machines(cells: pd.DataFrame) -> list[Note]:
    """That seconds do not compare, where the trained cells of a block did not run alike."""
    several = cells.groupby(["dataset", "backbone"])["machine"].nunique() > 1
    if not several.any():
        return []
    text = "Cells ran on several machines or numbers of threads: seconds differ by that too."
    return [Note("cost", text)]


def _of(some: pd.Series, cells: pd.DataFrame) -> str:
    return f"{len(some)} of {counted(len(cells), 'cell')}"
