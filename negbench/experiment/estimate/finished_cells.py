"""What the finished cells of a run's folder teach about those that are still to do."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from negbench.experiment.cell.record import environment
from negbench.experiment.cell.spec import REFERENCE, CellSpec, PlannedCell
from negbench.experiment.estimate.typical_epochs import typical
from negbench.storage import cell_store
from negbench.storage.cell_store import Cell

NAMES = ("dataset", "backbone", "backbone_variant", "method", "variant")
FREE = ("lr", "l2")
"""Settings of a backbone that leave the seconds of an epoch as they are."""
MACHINE = ("system", "cpus", "device")
"""Entries of a record's environment that must be equal for its seconds to hold here."""
Key = tuple[str, ...]
"""A pairing of data, backbone and method, with their parameters."""


def key_of(spec: Mapping[str, Any]) -> Key:
    """The pairing of a resolved spec; a backbone of other layers or width is another pairing."""
    config = spec.get("backbone_config") or {}
    costly = {name: value for name, value in config.items() if name not in FREE}
    names = (str(spec.get(name, "")) for name in NAMES)
    return (*names, json.dumps(costly, sort_keys=True))


def begins(spec: CellSpec) -> int:
    """The first epoch of a method's own phase, 1 where it has none or the budget ends before."""
    phase = spec.recipe.build().own_phase
    return 1 if phase is None or phase.begins > spec.train.epochs else phase.begins


@dataclass(frozen=True)
class FinishedCells:
    """The finished cells of a folder by pairing."""

    cells: Mapping[Key, tuple[Cell, ...]] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    clock: str = "cpu"
    """The clock of the records that is read, as in the estimate."""

    @classmethod
    def of(cls, out: Path, device: str, threads: int) -> "FinishedCells":
        """Read a folder; an absent one teaches nothing."""
        groups: dict[Key, list[Cell]] = defaultdict(list)
        for cell in cell_store.read_cells(out)[0]:
            if cell.done and cell.spec["backbone"] != REFERENCE:
                groups[key_of(cell.spec)].append(cell)
        here = torch.device(device)
        machine = {name: environment(here)[name] for name in MACHINE} | {"threads": threads}
        clock = "cpu" if here.type == "cpu" and threads == 1 else "wall"
        return cls({key: tuple(group) for key, group in groups.items()}, machine, clock)

    def best_epoch(self, key: Key) -> float | None:
        """The mean best epoch of a pairing's cells."""
        known = [cell.record["fit"]["best_epoch"] for cell in self.cells.get(key, ())]
        return fmean(known) if known else None

    def seconds(self, key: Key) -> float | None:
        """Mean seconds an epoch, evaluation and all, of a pairing's cells on this machine."""
        known = [self._seconds(cell) for cell in self.cells.get(key, ()) if self._is_here(cell)]
        return fmean(known) if known else None

    def pace(self, planned: Iterable[PlannedCell]) -> dict[tuple[str, str], float]:
        """Best epochs of a data set and backbone against the typical ones, a geometric mean."""
        ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
        specs = {key_of(each.resolved): each.spec for each in planned}
        for key, spec in specs.items():
            if (best := self.best_epoch(key)) is not None:
                own = max(1.0, best - begins(spec) + 1)
                ratios[key[0], key[1]].append(math.log(own / typical(spec, key[0])))
        return {where: math.exp(fmean(logs)) for where, logs in ratios.items()}

    def _is_here(self, cell: Cell) -> bool:
        known = cell.record.get("environment", {})
        return all(known.get(name) == value for name, value in self.machine.items())

    def _seconds(self, cell: Cell) -> float:
        return float(cell.record["seconds"][self.clock]["total"] / cell.record["fit"]["epochs"])
