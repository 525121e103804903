"""Explains a training by its valued triplets: finds the cell and the user that are meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negbench.errors import UserError, did_you_mean
from negbench.experiment.finished.kept_ids import read_ids
from negbench.experiment.finished.named_cells import CellAndRow, Name, one_row
from negbench.experiment.finished.run import analysis


@dataclass(frozen=True)
class Query:
    """Which cell and user to explain; None takes any."""

    dataset: str | None = None
    backbone: str | None = None
    method: str | None = None
    """A row of the table, or the name of its method."""
    seed: int | None = None
    user: str | None = None
    """An id as the data have it."""
    top: int = 10


def explain(run: Path, query: Query, format: str = "text") -> tuple[str, tuple[str, ...]]:
    """The explanation in this format, and a sentence for each damaged file that was left out.

    Raises UserError if the query names no cell, several rows, or a user without valued triplets.
    """
    if query.top < 1:
        raise UserError(f"--top must be 1 or more; got {query.top}")
    records = analysis("runs.frames").open_run(run)
    reader = analysis("measures.triplet_values")
    cell, row = _chosen(run, list(records.done), query, reader.FILE)
    triplets = reader.of_cell(cell)
    if not len(triplets):
        raise UserError(
            f"explain needs valued triplets; {cell.folder / reader.FILE} holds none that can be "
            "read; run it again with -m shapley"
        )
    ids = read_ids(run, cell.spec["dataset"], cell.record["data"]["checksum"])
    user = None if query.user is None else _user(query.user, ids["users"], triplets)
    explanation = analysis("tables.explanation").explanation(
        cell, row, triplets, ids, user=user, top=query.top
    )
    text: str = analysis("tables.explanation_text").render(explanation, format)
    return text, records.damaged


def _chosen(run: Path, cells: Sequence[CellAndRow], query: Query, file: str) -> CellAndRow:
    """The one cell that the query names; of several seeds the first."""
    valued = [(cell, row) for cell, row in cells if (cell.folder / file).exists()]
    if not valued:
        raise UserError(
            f"explain needs a cell that valued its triplets; {run} has none; run it again with "
            "-m shapley"
        )
    words: dict[str, Name | None] = {
        "dataset": query.dataset,
        "backbone": query.backbone,
        "row": query.method,
        "seed": query.seed,
    }
    return one_row(
        valued,
        words,
        must="-d, -b, -m and --seed must name a cell that valued its triplets",
        takes="explain shows one row",
        options="-d, -b and -m",
    )


def _user(typed: str, users: Sequence[Any], triplets: Any) -> int:
    """The index of a user by the id in the data; refused where it has no valued triplets."""
    numbers = {str(name): at for at, name in enumerate(users)}
    valued = sorted(set(triplets["user"].tolist()))
    known = [str(users[at]) for at in valued]
    if typed not in numbers:
        raise UserError(
            f"--user must be a user of the data; got {typed!r}; {did_you_mean(typed, known)}"
        )
    if numbers[typed] not in valued:
        raise UserError(
            f"--user must have triplets that were valued; {typed!r} has none; "
            f"{len(known):,} users have, as {', '.join(known[:3])}"
        )
    return numbers[typed]
