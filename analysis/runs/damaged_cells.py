"""Reading what may be damaged: a cell whose files are read late, once, and never stop the rest.

Opening a run reads the cells' records only. Per-user arrays and epochs are read when an analysis
asks for them; what turns out to be damaged then is told once, in the list that the run shares with
its cells, and is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.storage.cell_store import Cell
from negbench.storage.integrity import Damaged, whole_file

Array = NDArray[Any]
_BY_ITEM = ("item_counts", "item_bands")  # all others hold a value a user
LOST = "a cell must be whole"
"""How every sentence begins that tells of a cell left out."""
_SAID = {
    "data": ("n_users", "n_items", "n_interactions", "checksum", "licence", "source"),
    "split": ("rule", "hash", "order", "train", "valid", "test"),
    "bands": ("rule", "names", "items", "test_rows"),
}
"""What a finished cell must say of its data for the footnotes."""
_COUNTS = [("data", name) for name in _SAID["data"][:3]]
_COUNTS += [("split", name) for name in _SAID["split"][3:]]


@dataclass(frozen=True, eq=False)
class Guarded(Cell):
    """A cell of a run: arrays and epochs that cannot be read are empty, and told once."""

    told: list[str] = field(default_factory=list, repr=False)
    """One sentence for each damaged file, shared by all cells of the run."""
    kept: dict[str, Any] = field(default_factory=dict, repr=False)

    def users(self) -> dict[str, Array]:
        """The per-user arrays; none where they cannot be read."""
        try:
            return super().users()
        except Damaged as error:
            self._tell(error, "users")
            return {}

    def arrays(self, *names: str) -> dict[str, Array]:
        """The arrays of these names that are there, each read once; none where damaged."""
        missing = [name for name in ("users", *names) if name not in self.kept]
        if missing and "damaged" not in self.kept:
            try:
                with whole_file(self.folder / "users.npz"):
                    found = _checked(super().arrays(*missing), self.kept)
                self.kept.update(dict.fromkeys(missing) | found)
            except Damaged as error:
                self.kept["damaged"] = True
                self._tell(error, "users")
        return {name: self.kept[name] for name in names if self.kept.get(name) is not None}

    def epochs(self) -> list[dict[str, float]]:
        """The epochs' figures; none where they cannot be read."""
        try:
            return super().epochs()
        except Damaged as error:
            self._tell(error, "epochs")
            return []

    def beside(self, name: str) -> dict[str, Array]:
        """The arrays of another file of the cell; none where it is not there or cannot be read."""
        path = self.folder / name
        if not path.exists():
            return {}
        try:
            with whole_file(path), np.load(path, allow_pickle=False) as arrays:
                return {each: arrays[each] for each in arrays.files}
        except Damaged as error:
            self._tell(error, path.stem)
            return {}

    def _tell(self, error: Damaged, what: str) -> None:
        """Tell of a damaged file, once."""
        sentence = f"{error}; until then what it says of {what} is left out"
        if sentence not in self.told:
            self.told.append(sentence)


def fault(cell: Cell) -> str:
    """What a whole record still lacks to be analysed; empty if nothing."""
    if not cell.done:
        return ""
    for part, names in _SAID.items():
        said = cell.record.get(part)
        if not isinstance(said, Mapping):
            return f"its record says nothing of its {part}"
        for name in names:
            if name not in said:
                return f"its record does not say {part}.{name}"
    for part, name in _COUNTS:
        if not isinstance(cell.record[part][name], int):
            return f"its {part}.{name} is no count"
    bands = cell.record["bands"]
    sizes = {len(bands[n]) if isinstance(bands[n], list) else -1 for n in _SAID["bands"][1:]}
    if len(sizes) != 1 or -1 in sizes:
        return "its bands are not lists of one length"
    for name in ("fit", "seconds", "environment", "card", "probe"):
        if not isinstance(cell.record.get(name) or {}, Mapping):
            return f"its {name} is no record"
    return "" if "exclude" in cell.spec else "its spec has no exclude"


def remarks(folder: Path) -> list[str]:
    """A sentence for each file that a run folder has and this one lacks; no analysis needs them."""
    lost = {
        "run.json": "how the run began is not known",
        "results.csv": "the numbers here are read from its cells",
    }
    return [
        f"{name} is missing in {folder}; {so}"
        for name, so in lost.items()
        if not _is_file(folder, name)
    ]


def start(folder: Path) -> tuple[dict[str, Any], str]:
    """What run.json says of how the folder was made, and a sentence where it is damaged."""
    path = folder / "run.json"
    if not _is_file(folder, "run.json"):
        return {}, ""
    try:
        with whole_file(path):
            told = json.loads(path.read_text("utf-8"))
    except (Damaged, RecursionError):
        return {}, f"run.json must be JSON; {path} is not readable as such; how it began is lost"
    if not isinstance(told, dict):
        return {}, f"run.json must be a record; {path} is a {type(told).__name__}; it was not read"
    return told, ""


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except OSError:
        return False


def _checked(found: dict[str, Array], kept: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays, if they have one value a user."""
    index = found.get("users", kept.get("users"))
    if index is None or index.ndim != 1:
        raise ValueError("it has no array `users`")
    for name, array in found.items():
        if name not in _BY_ITEM and array.shape[:1] != index.shape:
            raise ValueError(f"{name} is of shape {array.shape} for {len(index)} users")
        if array.dtype.kind not in "iufb":
            raise ValueError(f"{name} holds no numbers")
    return found
