"""The runs that a leaderboard is made of: what is in each, and the hash that tells it from others.

    hash of a cell = SHA-256(spec, status, split, metrics, arrays of users.npz and ranks.npz)
    hash of a run  = SHA-256(names and hashes of its cells, by name)

Seconds, machines, dates and paths are in no hash: who trains the same cells and gets the same
results bit for bit gets the same hash, wherever and whenever that is.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from negbench.errors import UserError
from negbench.storage import split_folders
from negbench.storage.cell_store import Cell, digest, read_cells
from negbench.storage.integrity import intact_file
from negbench.storage.without_paths import without_paths

from ..number_format import counted
from ..runs.frames import Run

ARRAYS = ("users.npz", "ranks.npz")
SHOWN = 12
"""So many digits of a hash are shown, and so many must be given to name one."""


@dataclass(frozen=True)
class Source:
    """One run as it was given."""

    folder: Path
    hash: str
    cells: dict[str, str]
    """The hash of each cell by its path under the run's folder."""
    failed: int
    versions: tuple[str, ...]
    """Of negbench, by which its cells were trained."""
    command: str
    """How the run began, without paths; "" where that is not recorded."""

    @property
    def name(self) -> str:
        """The last name of its folder."""
        return self.folder.resolve().name


def read_source(folder: Path, run: Run) -> Source:
    """One run by its folder, from its records and arrays.

    Raises UserError if a cell's name is not that of its settings, or an array cannot be read.
    """
    cells = list(_cells(folder))
    hashes = {cell.folder.relative_to(folder).as_posix(): cell_hash(cell) for cell in cells}
    known = {(cell.record.get("environment") or {}).get("negbench") for cell in cells}
    commands = (str(start.get("command") or "") for start in run.starts)
    return Source(
        folder,
        run_hash(hashes),
        hashes,
        sum(not cell.done for cell in cells),
        tuple(sorted(str(version) for version in known if version)),
        without_paths(next(filter(None, commands), "")),
    )


def cell_hash(cell: Cell) -> str:
    """The hash of a cell's results.

    Raises UserError if its folder is not named by its spec, or an array cannot be read.
    """
    if cell.folder.name != digest(cell.spec):
        raise UserError(
            f"a cell must be named by the hash of its settings; {cell.folder} has settings of hash "
            f"{digest(cell.spec)}: they were edited after it was trained; remove it and "
            "run again"
        )
    record = cell.record
    parts = [record["spec"], record["status"], record.get("split"), record.get("metrics")]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    total = hashlib.sha256(text.encode())
    for path in (cell.folder / name for name in ARRAYS):
        if path.is_file():
            with intact_file(path), np.load(path, allow_pickle=False) as arrays:
                for name in sorted(arrays.files):
                    values = np.ascontiguousarray(arrays[name])
                    total.update(f"{path.name} {name} {values.dtype.str} {values.shape} ".encode())
                    total.update(values.tobytes())
    return total.hexdigest()


def run_hash(cells: dict[str, str]) -> str:
    """The hash of a run from those of its cells by name."""
    lines = "".join(f"{name} {cells[name]}\n" for name in sorted(cells))
    return hashlib.sha256(lines.encode()).hexdigest()


def require_announced(sources: Sequence[Source], hashes: Iterable[str]) -> None:
    """Refuse runs of which none has a hash that was announced.

    Raises UserError with the hashes that the runs have, or for a hash that is too short.
    """
    for asked in hashes:
        if len(asked) < SHOWN:
            raise UserError(
                f"--hash must have {SHOWN} digits or more; got {asked!r}; `negbench leaderboard "
                "RUN` prints it"
            )
        if not any(source.hash.startswith(asked.lower()) for source in sources):
            have = ", ".join(f"{source.folder} {source.hash[:SHOWN]}" for source in sources)
            raise UserError(
                f"--hash must be that of a run given; got {asked}, and the runs have {have}: the "
                "results are not those that were announced; ask for the folder again"
            )


def shown_in(source: Source, run: Run) -> tuple[int, int]:
    """How many cells of a run a page shows, and how many others are shown with equal results.

    A training that several runs hold is shown from the first of them.
    """
    shown = {cell.folder for cell in run.cells}
    own = {name for name in source.cells if source.folder / name in shown}
    others = [source.cells[name] for name in source.cells if name not in own]
    known = {cell_hash(cell) for cell in run.cells} if others else set()
    return len(own), sum(value in known for value in others)


def in_words(source: Source, shown: int, equal: int) -> str:
    """The cells of a run as a sentence, with those that an earlier run holds too."""
    total = len(source.cells)
    text = counted(total, "cell") + (f", {source.failed} failed" if source.failed else "")
    if shown == total:
        return f"{text}."
    held = total - shown
    differ = held - equal
    rest = "with the same results" if not differ else f"{differ} of them with other results"
    return f"{text}; {held} are shown from an earlier run, which holds them too, {rest}."


def _cells(folder: Path) -> Iterable[Cell]:
    for each in split_folders.expanded([folder]):
        yield from read_cells(each)[0]
