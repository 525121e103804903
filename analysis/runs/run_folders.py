"""The folders that a run is read from: each once, and with something to report."""

from collections.abc import Sequence
from pathlib import Path

from negbench.errors import NothingToReport
from negbench.storage.cell_store import Cell

from .notes import Note


def require_results(folders: Sequence[Path], cells: Sequence[Cell], problems: list[Note]) -> None:
    """Raises NothingToReport if no cell is finished, with the reason of the first."""
    if any(cell.done for cell in cells):
        return
    where = ", ".join(map(str, folders))
    if cells:
        why = f"its {len(cells)} cells failed, the first with: {cells[0].record.get('reason', '')}"
    else:
        why = problems[0].text if problems else "it holds no cell"
    raise NothingToReport(f"a report needs a finished cell; {where} has none ({why}); run it first")


def once(folders: Sequence[Path]) -> list[Path]:
    """The folders without repeats, by their resolved paths.

    Raises NothingToReport for a missing one.
    """
    for folder in folders:
        if not folder.is_dir():
            raise NothingToReport(f"a run folder must exist; {folder} does not; give one of `run`")
    return list({folder.resolve(): folder for folder in reversed(folders)}.values())[::-1]
