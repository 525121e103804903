"""What became of trials: read from their cells, else from the search file that was written of them.

Cells are large (lists and ranks of every user) and a search file is small, so a search whose cells
were deleted, or that another machine began, goes on from its files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from negbench.evaluation.metric_names import parse_metrics
from negbench.experiment.cell.spec import PlannedCell
from negbench.storage import cell_store
from negbench.storage.cell_store import Cell
from negbench.storage.search_store import Search
from negbench.tuning.validation import failure, validation_value

PENDING: Mapping[str, Any] = {
    "ended": False,
    "reason": "",
    "valid": None,
    "test": None,
    "best_epoch": None,
    "epochs": None,
    "cpu_seconds": None,
    "seconds": None,
    "dots": None,
}
"""The outcome of a cell that has not ended."""


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of cells, by the names of their folders."""

    out: Path
    """The run folder of the trials."""
    select: str
    """The metric of the choice."""
    kept: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Outcomes that the row's search file holds."""
    seen: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Those that were asked for and have ended."""

    @classmethod
    def of(cls, out: Path, select: str, search: Search | None) -> "Outcomes":
        """Those of a row; `search` is its file, None where there is none."""
        if search is None:
            return cls(out, select)
        kept = {
            each["cell"]: {name: each.get(name) for name in PENDING} | {"ended": True}
            for each in search["trials"]
            if each["status"] != "pending"
        }
        return cls(out, select, {**kept, **search.get("outcomes", {})})

    def of_cell(self, planned: PlannedCell) -> Mapping[str, Any]:
        """The outcome of one cell; its validation value is None where it failed."""
        cell = cell_store.find_cell(self.out, planned.resolved)
        kept = self.kept.get(planned.digest, PENDING)
        outcome = kept if cell is None else _outcome(cell, self.select)
        if outcome["ended"]:
            self.seen[planned.digest] = outcome
        return outcome


def _outcome(cell: Cell, select: str) -> dict[str, Any]:
    """Validation value, and what a trial cost and scored on test: for curves, never a choice."""
    ((name, k),) = parse_metrics(select)
    record = cell.record if cell.done else {}
    fit, seconds = record.get("fit") or {}, record.get("seconds") or {}
    tested = [
        line["value"]
        for line in record.get("metrics", ())
        if (line["split"], line["metric"], int(line["k"]), line["band"]) == ("test", name, k, "all")
    ]
    return {
        "ended": True,
        "reason": failure(cell),
        "valid": validation_value(cell, select),
        "test": tested[0] if tested else None,
        "best_epoch": fit.get("best_epoch"),
        "epochs": fit.get("epochs"),
        "cpu_seconds": (seconds.get("cpu") or {}).get("total"),
        "seconds": (seconds.get("wall") or {}).get("total"),
        "dots": fit["dots"] * fit["epochs"] if "dots" in fit else None,
    }
