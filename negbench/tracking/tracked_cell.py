"""What a tracker is told of a finished cell: name, settings, values by epoch, final metrics.

All of it is read from the cell's files, so a cell that ended long ago is told alike. Names of
metrics are those of epochs.csv and results.csv, in letters that every tracker takes: `ndcg@20` is
`ndcg_at_20` there.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from negbench.plugins.row_terms import cell_words
from negbench.storage.cell_store import Cell

Setting = str | int | float | bool
LONGEST = 500
"""Characters of a setting's value that older MLflow servers keep."""
_UNUSUAL = re.compile(r"[^\w./-]")


@dataclass(frozen=True)
class EpochValues:
    """The numbers of one epoch, and when it ended in seconds since 1970."""

    epoch: int
    ended: float
    values: dict[str, float]


@dataclass(frozen=True)
class TrackedCell:
    """One cell, in a tracker's words a run."""

    id: str
    """Of this cell as it was done then: the same after a resume, another when it is done again."""
    name: str
    """Data set, backbone, method and seed."""
    group: str
    """The same without the seed: runs of one group differ by chance alone."""
    settings: dict[str, Setting]
    epochs: tuple[EpochValues, ...]
    results: dict[str, float]
    """Metrics of the kept weights over all users and items: `test/ndcg_at_20`, `valid/...`."""
    best_epoch: int
    """The epoch of those weights; 0 of a reference."""
    began: float
    ended: float

    @classmethod
    def of(cls, cell: Cell) -> "TrackedCell":
        """Read a done cell.

        Raises Damaged where its epochs.csv cannot be read.
        """
        ended, fit = _finished(cell), cell.record.get("fit") or {}
        rows = cell.epochs()
        trained = rows[-1].get("wall", 0.0) if rows else 0.0
        name = cell_words(cell.spec)
        return cls(
            id=f"{cell.folder.name}-{ended:.0f}",
            name=name,
            group=name.rpartition("/")[0],
            settings=dict(_flat(cell.spec)),
            epochs=tuple(_epoch(row, ended - trained) for row in rows),
            results=dict(_results(cell)),
            best_epoch=int(fit.get("best_epoch") or 0),
            began=ended - _total(cell),
            ended=ended,
        )


def plain(name: str) -> str:
    """A name in letters that every tracker takes."""
    return _UNUSUAL.sub("_", name.replace("@", "_at_"))


def _epoch(row: Mapping[str, float], start: float) -> EpochValues:
    """All columns but the times: `valid_ndcg@20` is `epoch/valid_ndcg_at_20`."""
    values = {
        f"epoch/{plain(name)}": value
        for name, value in row.items()
        if name not in ("epoch", "wall", "cpu") and math.isfinite(value)
    }
    return EpochValues(int(row["epoch"]), start + row.get("wall", 0.0), values)


def _results(cell: Cell) -> Iterator[tuple[str, float]]:
    for row in cell.record["metrics"]:
        value = row["value"]
        if row["band"] == "all" and isinstance(value, int | float) and math.isfinite(value):
            at = f"@{row['k']}" if row["k"] else ""
            yield f"{row['split']}/{plain(row['metric'] + at)}", float(value)


def _flat(spec: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Setting]]:
    """Nested settings by dotted names."""
    for key, value in spec.items():
        name = f"{start}{plain(str(key))}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, bool | int | float):
            yield name, value
        else:
            text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield name, text[:LONGEST]


def _finished(cell: Cell) -> float:
    """When the cell ended; older records do not say, but their file does."""
    try:
        return datetime.fromisoformat(str(cell.record["finished"])).astimezone(UTC).timestamp()
    except (KeyError, ValueError):
        return (cell.folder / "cell.json").stat().st_mtime


def _total(cell: Cell) -> float:
    try:
        return float(cell.record["seconds"]["wall"]["total"])
    except (KeyError, TypeError, ValueError):
        return 0.0
