"""Fault-tolerant reading of cells: arrays and epochs are loaded lazily, damaged files left out.

Opening a run reads the cells' records only. Per-user arrays and epochs are read when an analysis
asks for them; a file that turns out to be damaged is reported once, in the list that the run shares
with its cells, and is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.storage.cell_store import Cell
from negbench.storage.integrity import Damaged, intact_file

from .notes import Note

Array = NDArray[Any]
_BY_ITEM = ("item_counts", "item_bands")  # all others hold a value a user
_REQUIRED = {
    "data": ("n_users", "n_items", "n_interactions", "checksum", "licence", "source"),
    "split": ("rule", "hash", "order", "train", "valid", "test"),
    "bands": ("rule", "names", "items", "test_rows"),
}
"""The fields that the record of a finished cell must have for the footnotes."""
_COUNTS = [("data", name) for name in _REQUIRED["data"][:3]]
_COUNTS += [("split", name) for name in _REQUIRED["split"][3:]]


@dataclass(frozen=True, eq=False)
class TolerantCell(Cell):
    """A cell of a run whose unreadable arrays and epochs are empty, each reported once."""

    problems: list[Note] = field(default_factory=list, repr=False)
    """One sentence for each damaged file, shared by all cells of the run."""
    cache: dict[str, Any] = field(default_factory=dict, repr=False)
    """The arrays that were read, by name."""

    def users(self) -> dict[str, Array]:
        """The per-user arrays by name, [U, ...] each; empty if they cannot be read."""
        try:
            return super().users()
        except Damaged as error:
            self._report(error, "users")
            return {}

    def arrays(self, *names: str) -> dict[str, Array]:
        """The arrays of these names that the cell has, each read once; empty if damaged."""
        missing = [name for name in ("users", *names) if name not in self.cache]
        if missing and "damaged" not in self.cache:
            try:
                with intact_file(self.folder / "users.npz"):
                    arrays = _checked(super().arrays(*missing), self.cache)
                self.cache.update(dict.fromkeys(missing) | arrays)
            except Damaged as error:
                self.cache["damaged"] = True
                self._report(error, "users")
        return {name: self.cache[name] for name in names if self.cache.get(name) is not None}

    def epochs(self) -> list[dict[str, float]]:
        """The metrics of each epoch; empty if they cannot be read."""
        try:
            return super().epochs()
        except Damaged as error:
            self._report(error, "epochs")
            return []

    def file_arrays(self, name: str) -> dict[str, Array]:
        """The arrays of another npz file of the cell; empty if it is missing or cannot be read."""
        path = self.folder / name
        if not path.exists():
            return {}
        try:
            with intact_file(path), np.load(path, allow_pickle=False) as arrays:
                return {each: arrays[each] for each in arrays.files}
        except Damaged as error:
            self._report(error, path.stem)
            return {}

    def _report(self, error: Damaged, what: str) -> None:
        """Add a sentence on a damaged file, once."""
        problem = Note("file", f"{error}; until then what it says of {what} is left out")
        if problem not in self.problems:
            self.problems.append(problem)


def fault(cell: Cell) -> str:
    """Why an undamaged record cannot be analysed, as a clause; empty if it can."""
    if not cell.done:
        return ""
    for part, names in _REQUIRED.items():
        fields = cell.record.get(part)
        if not isinstance(fields, Mapping):
            return f"its record says nothing of its {part}"
        for name in names:
            if name not in fields:
                return f"its record does not say {part}.{name}"
    for part, name in _COUNTS:
        if not isinstance(cell.record[part][name], int):
            return f"its {part}.{name} is no count"
    bands = cell.record["bands"]
    sizes = {len(bands[n]) if isinstance(bands[n], list) else -1 for n in _REQUIRED["bands"][1:]}
    if len(sizes) != 1 or -1 in sizes:
        return "its bands are not lists of one length"
    for name in ("fit", "seconds", "environment", "card", "probe"):
        if not isinstance(cell.record.get(name) or {}, Mapping):
            return f"its {name} is no record"
    return "" if "exclude" in cell.spec else "its spec has no exclude"


def remarks(folder: Path) -> list[str]:
    """A sentence for each optional file that this run folder lacks; no analysis needs them."""
    lost = {
        "run.json": "how the run began is not known",
        "results.csv": "the numbers here are read from its cells",
    }
    return [
        f"{name} is missing in {folder}; {so}"
        for name, so in lost.items()
        if not _is_file(folder, name)
    ]


def run_info(folder: Path) -> tuple[dict[str, Any], str]:
    """The content of run.json (command, start), and a sentence if it is damaged, else ""."""
    path = folder / "run.json"
    if not _is_file(folder, "run.json"):
        return {}, ""
    try:
        with intact_file(path):
            info = json.loads(path.read_text("utf-8"))
    except (Damaged, RecursionError):
        return {}, f"run.json must be JSON; {path} is not readable as such; how it began is lost"
    if not isinstance(info, dict):
        return {}, f"run.json must be a record; {path} is a {type(info).__name__}; it was not read"
    return info, ""


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except OSError:
        return False


def _checked(arrays: dict[str, Array], cache: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays, if each has one value a user, [U, ...]."""
    index = arrays.get("users", cache.get("users"))
    if index is None or index.ndim != 1:
        raise ValueError("it has no array `users`")
    for name, array in arrays.items():
        if name not in _BY_ITEM and array.shape[:1] != index.shape:
            raise ValueError(f"{name} is of shape {array.shape} for {len(index)} users")
        if array.dtype.kind not in "iufb":
            raise ValueError(f"{name} holds no numbers")
    return arrays
