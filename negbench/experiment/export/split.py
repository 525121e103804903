"""The split of a run as its cells were trained and ranked on: pairs of ids, part by part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from negbench.errors import UserError
from negbench.experiment.export.lines import ids_of
from negbench.experiment.export.tables import Line
from negbench.scenario.ranking_protocol import choices_of
from negbench.storage import split_store
from negbench.storage.cell_store import Cell
from negbench.storage.split_store import Rows

PAIRS = ("user", "item")
QRELS = ("user", "item", "relevance")


@dataclass(frozen=True, eq=False)
class KeptSplit:
    """The parts of one data set's split, with ids, and what a reader has to know of it."""

    dataset: str
    rule: str
    digest: str
    order: str
    """What orders a user's pairs: time, rows, none."""
    parts: dict[str, Rows]
    """train, valid, test and, where there are any, fold_in and planted; none is empty."""
    users: Sequence[Any]
    """The id of each user, [U]."""
    items: Sequence[Any]
    """The id of each item, [I]."""
    licence: str
    notes: tuple[str, ...]

    def pairs(self, part: str) -> Iterator[Line]:
        """The pairs of a part, user by user, those of a user in their order."""
        lengths, items = self.parts[part]
        users = np.repeat(np.arange(len(lengths)), lengths)
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            yield {"user": self.users[user], "item": self.items[item]}

    def relevant(self) -> Iterator[Line]:
        """What is relevant in the test part: each pair once, with the relevance 1."""
        lengths, items = self.parts["test"]
        users = np.repeat(np.arange(len(lengths)), lengths)
        for user, item in dict.fromkeys(zip(users.tolist(), items.tolist(), strict=True)):
            yield {"user": self.users[user], "item": self.items[item], "relevance": 1}


def kept_split(run: Path, cells: Sequence[Cell]) -> KeptSplit:
    """The split of some cells.

    Raises UserError if they are of several data sets or splits, or if the run does not keep it.
    """
    cell = cells[0]
    names = list(dict.fromkeys(each.spec["dataset"] for each in cells))
    if len(names) > 1:
        raise UserError(
            f"a split is of one data set; these cells have {len(names)} ({', '.join(names[:3])}"
            f"{', ...' if len(names) > 3 else ''}); name one of them by -d"
        )
    digests = {str(each.record["split"]["hash"]) for each in cells}
    if len(digests) > 1:
        raise UserError(
            f"an export is of one split; the cells of {names[0]} have {len(digests)} "
            f"({', '.join(sorted(digests)[:3])}); name cells of one by -b, -m and --seed"
        )
    if not (path := split_store.path_of(run, digests.pop())).is_file():
        raise UserError(
            f"an export of the split needs the one that a run keeps; {path} is missing; `negbench "
            "resume` on that folder writes it, without training again"
        )
    ids = ids_of(run, cell)
    of_cell = cell.record["split"]
    parts = split_store.read_split(run, str(of_cell["hash"]))
    return KeptSplit(
        dataset=names[0],
        rule=str(of_cell["rule"]),
        digest=str(of_cell["hash"]),
        order=str(of_cell.get("order", "none")),
        parts={part: rows for part, rows in parts.items() if len(rows[1])},
        users=ids["users"],
        items=ids["items"],
        licence=str(cell.record["data"].get("licence") or ""),
        notes=tuple(cell.record.get("notes", ())),
    )


def caveats(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Why the numbers of another tool on the same files may not be those of these cells."""
    if all(choices_of(cell.spec)["average"] == "users" for cell in cells):
        return ()
    return (
        "WARNING: metrics of this run are means over test events, not over users: another tool's "
        "means on these files are not its numbers",
    )
