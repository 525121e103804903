"""Which cell of a run an explanation is of, and whom: from what was typed to numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negbench.errors import UserError, did_you_mean
from negbench.experiment.finished.export import read_ids
from negbench.experiment.finished.run import analysis
from negbench.storage.cell_store import Cell


@dataclass(frozen=True)
class Asked:
    """What was asked for; None is whatever there is."""

    dataset: str | None = None
    backbone: str | None = None
    method: str | None = None
    """A row of the table, or the name of its method."""
    seed: int | None = None
    user: str | None = None
    """An id as the data have it."""
    top: int = 10


Found = tuple[Cell, str]
"""A cell and its row."""


def explain(run: Path, asked: Asked, format: str = "text") -> tuple[str, tuple[str, ...]]:
    """The explanation in this format, and a sentence for each file that was left out."""
    if asked.top < 1:
        raise UserError(f"--top must be 1 or more; got {asked.top}")
    records = analysis("runs.frames").open_run(run)
    reader = analysis("measures.triplet_values")
    cell, row = _chosen(run, list(records.done), asked, reader.FILE)
    told = reader.of_cell(cell)
    if not len(told):
        raise UserError(
            f"explain needs valued triplets; {cell.folder / reader.FILE} holds none that can be "
            "read; run it again with -m shapley"
        )
    ids = read_ids(run, cell.record["data"]["checksum"])
    user = None if asked.user is None else _user(asked.user, ids["users"], told)
    explanation = analysis("tables.explanation").explanation(
        cell, row, told, ids, user=user, top=asked.top
    )
    text: str = analysis("tables.explanation_text").render(explanation, format)
    return text, records.damaged


def _chosen(run: Path, cells: Sequence[Found], asked: Asked, file: str) -> Found:
    """The one cell that is meant; of several seeds the first."""
    valued = [(cell, row) for cell, row in cells if (cell.folder / file).exists()]
    if not valued:
        raise UserError(
            f"explain needs a cell that valued its triplets; {run} has none; run it again with "
            "-m shapley"
        )
    meant = [found for found in valued if _meant(found, asked)]
    rows = sorted(set(map(_said, meant or valued)))
    if not meant:
        raise UserError(
            "-d, -b, -m and --seed must name a cell that valued its triplets; none is such; this "
            f"run has {'; '.join(rows)}"
        )
    if len(rows) > 1:
        raise UserError(
            f"explain shows one row; got {'; '.join(rows)}; name one of them by -d, -b and -m"
        )
    return min(meant, key=lambda found: int(found[0].spec["seed"]))


def _meant(found: Found, asked: Asked) -> bool:
    cell, row = found
    spec = cell.spec
    return (
        asked.dataset in (None, spec["dataset"])
        and asked.backbone in (None, spec["backbone"])
        and asked.method in (None, row, spec["method"])
        and asked.seed in (None, spec["seed"])
    )


def _said(found: Found) -> str:
    cell, row = found
    return f"{cell.spec['dataset']} {cell.spec['backbone']} {row}"


def _user(typed: str, users: Sequence[Any], told: Any) -> int:
    """The number of the user whom the data call so; refused where none of its triplets is known."""
    numbers = {str(name): at for at, name in enumerate(users)}
    valued = sorted(set(told["user"].tolist()))
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
