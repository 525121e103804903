"""Plug-ins that were edited: cells of their earlier code make room for those of the code of now.

A row is of one method, so a folder holds the cells of one version of each plug-in. The earlier ones
are moved to RUN/replaced; where the edit is taken back they are, too, and nothing is trained anew.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.plan import Plan
from negbench.experiment.same_data import REPLACED, move_to_replaced
from negbench.storage import cell_store
from negbench.storage.cell_code import CODE, Key, code_of, in_words
from negbench.storage.cell_store import Cell

logger = logging.getLogger(__name__)


def changes(plan: Plan, out: Path) -> list[str]:
    """One sentence for each plug-in of the plan that cells of the folder had in another version."""
    return _sentences(_other_code(plan, out), out)


def set_aside_other_code(plan: Plan, out: Path) -> None:
    """Move the cells of another version of a planned plug-in to RUN/replaced, and say so."""
    others = _other_code(plan, out)
    if move_to_replaced([cell for cell, _ in others], out):
        for sentence in _sentences(others, out):
            logger.warning("%s", sentence)


def earlier_cell(planned: PlannedCell, out: Path) -> Cell | None:
    """A finished cell of a user's plug-ins that was set aside, and is planned again as it was."""
    folder = out / REPLACED / planned.digest
    if CODE not in planned.resolved or not folder.is_dir():
        return None
    try:
        cell = cell_store.read_cell(folder)
    except UserError:  # damaged: it is trained again
        return None
    same = cell_store.digest(cell.spec) == planned.digest
    return cell if cell.done and same else None


def bring_back(plan: Plan, out: Path) -> None:
    """Move cells that were set aside and are planned again back to their place, and say so."""
    back = 0
    for planned in plan.cells:
        place = out / "cells" / planned.digest
        cell = None if place.exists() else earlier_cell(planned, out)
        if cell is not None:
            try:
                cell.folder.rename(place)
                back += 1
            except OSError:  # another process of this run was as quick
                continue
    if back:
        logger.warning("%s of this code came back from %s", counted(back, "cell"), out / REPLACED)


def _other_code(plan: Plan, out: Path) -> list[tuple[Cell, dict[Key, str]]]:
    """The cells that have other code of something planned, each with that code."""
    now = {key: code for each in plan.cells for key, code in code_of(each.resolved).items()}
    cells = cell_store.read_cells(out)[0]
    own = ((c, {k: v for k, v in code_of(c.spec).items() if now.get(k, v) != v}) for c in cells)
    return [(cell, code) for cell, code in own if code]


def _sentences(others: Sequence[tuple[Cell, dict[Key, str]]], out: Path) -> list[str]:
    counts = Counter((key, bool(code)) for _, own in others for key, code in own.items())
    return [
        f"the code of {in_words(key)} {_since(n, known)}: what is planned of them is trained "
        f"again, and the earlier ones are kept in {out / REPLACED}"
        for (key, known), n in counts.items()
    ]


def _since(n: int, known: bool) -> str:
    cells = counted(n, "cell")
    if known:
        return f"changed since {cells} of this folder {'was' if n == 1 else 'were'} trained"
    does = "does" if n == 1 else "do"
    return f"may have changed since {cells} of this folder, which {does} not record it"
