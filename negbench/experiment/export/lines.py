"""The lines of an export: recommended lists and logged negatives, with the ids of the data."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from negbench.errors import NothingToReport, UserError
from negbench.experiment.export.tables import Line
from negbench.experiment.export.which import log_damage
from negbench.experiment.finished.kept_ids import ids_path, read_ids
from negbench.storage import cell_store
from negbench.storage.cell_store import CELL, Cell
from negbench.storage.integrity import Damaged, intact_file

ROW = cell_store.COLUMNS[:5]
"""The columns that name a cell."""
FIELDS = ("user", "positive", "negative", "s_positive", "s_negative", "epoch")
ScoresOf = Callable[[Path, Cell], cell_store.Array]
"""Gives the scores of the lists that a cell of a run keeps, [n, K]."""
logger = logging.getLogger(__name__)


def require_depth(cells: Sequence[Cell], k: int | None) -> None:
    """Raises UserError if a cell keeps lists shorter than `k`."""
    for cell in cells if k is not None else ():
        with suppress(Damaged):  # logged where it is left out
            _top(cell, k)


def lists(
    run: Path, cell: Cell, k: int | None = None, scores_of: ScoresOf | None = None
) -> Iterator[Line]:
    """The lines of one cell, a row for each user and rank; none and a log message if damaged.

    With `scores_of` each has its score, too.
    """
    ids, start = ids_of(run, cell), _start(cell)
    try:
        users, tops = cell.arrays("users")["users"], _top(cell, k)
        scores = None if scores_of is None else scores_of(run, cell)
    except Damaged as damage:
        log_damage(damage)
        return
    for at, (user, top) in enumerate(zip(users.tolist(), tops.tolist(), strict=True)):
        for rank, item in enumerate((item for item in top if item >= 0), 1):
            name = ids["names"][item] if ids["names"] else ""
            line = start | {
                "user": ids["users"][user],
                "rank": rank,
                "item": ids["items"][item],
                "name": name,
            }
            yield line if scores is None else line | {"score": scores[at, rank - 1]}


def negatives(run: Path, cells: Sequence[Cell]) -> Iterator[Line]:
    """The logged negatives of each cell, a row each, in the order of training.

    Raises NothingToReport if no cell logged any.
    """
    logged = [cell for cell in cells if (cell.folder / "negatives.npz").exists()]
    if not logged:
        raise NothingToReport(
            f"an export of negatives needs cells that kept some; {run} has none; run it with "
            "--log-negatives 10000"
        )
    for cell in logged:
        ids, start = ids_of(run, cell), _start(cell)
        try:
            kept = _logged(cell.folder / "negatives.npz")
        except Damaged as damage:
            log_damage(damage)
            continue
        for at in range(len(kept["user"])):
            yield start | {
                "epoch": kept["epoch"][at],
                "user": ids["users"][kept["user"][at]],
                "positive": ids["items"][kept["positive"][at]],
                "negative": ids["items"][kept["negative"][at]],
                "s_positive": kept["s_positive"][at],
                "s_negative": kept["s_negative"][at],
            }


def ids_of(run: Path, cell: Cell) -> dict[str, list[Any]]:
    """The user ids, item ids and item names of a cell's data. Raises UserError if missing."""
    return read_ids(run, cell.spec["dataset"], cell.record["data"]["checksum"])


def _top(cell: Cell, k: int | None) -> cell_store.Array:
    """The lists of a cell [n, K]. Raises UserError if they are shorter than `k`."""
    top = cell.arrays("top")["top"]
    if k is None:
        return top[:, : cell.list_length or None]
    if k < 1 or top.shape[1] < min(k, cell.record["data"]["n_items"]):
        raise UserError(
            f"--k must lie between 1 and {top.shape[1]}, the length of the lists that "
            f"{cell.folder} keeps; got {k}"
        )
    return top[:, :k]


def _logged(path: Path) -> dict[str, list[Any]]:
    with intact_file(path), np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name].tolist() for name in FIELDS}


def _start(cell: Cell) -> Line:
    return {name: cell.spec[name] for name in ROW} | {CELL: cell.folder.name}


def are_alike(cells: Sequence[Cell]) -> bool:
    """Whether two cells have one name in `ROW`, as those of a sweep: their folders tell them."""
    return len({tuple(cell.spec[name] for name in ROW) for cell in cells}) < len(cells)


def warn_of_shared_ids(run: Path, cells: Sequence[Cell]) -> None:
    """Log the data sets that share one table of ids, as older versions wrote it."""
    names: dict[str, set[str]] = {}
    for cell in cells:
        checksum, name = cell.record["data"]["checksum"], cell.spec["dataset"]
        if not ids_path(run, name, checksum).exists():
            names.setdefault(checksum, set()).add(name)
    for sharing in (sorted(each) for each in names.values() if len(each) > 1):
        logger.warning(
            "negbench: %s share one table of ids in %s, written by an older version: the ids of "
            "all but one may be another file's; run it again to renew them",
            " and ".join(sharing),
            run,
        )
