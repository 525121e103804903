"""Frames: the records of a run as tidy tables, the one door through which every analysis reads.

A row of a table is a method as it was asked for: `dns`, or `dns(candidates=32)`. Where one run
holds a row under two settings (another learning rate, say) the label says which: `dns [lr=0.01]`.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from negbench.analysis.comparable import require_comparable
from negbench.errors import NothingToReport, UserError
from negbench.metrics import Metric, parse_metrics
from negbench.records import Cell, read_cells, result_rows

PRIMARY = "ndcg@20"
REFERENCE = "reference"
ROW = ["dataset", "backbone", "method", "variant", "row", "kind"]
"""What tells one row of a table from another; `kind` is "method" or "reference"."""

# These make cells incomparable, are checked elsewhere, or do not change what was trained.
_NOT_SETTINGS = {"dataset", "backbone", "method", "variant", "method_config", "seed"}
_NOT_SETTINGS |= {"data", "split", "exclude", "bands", "metrics"}


@dataclass(frozen=True, eq=False)
class Run:
    """What one or more run folders hold."""

    folders: tuple[Path, ...]
    cells: tuple[Cell, ...]
    labels: tuple[str, ...]
    """The row of each cell."""
    damaged: tuple[str, ...] = ()
    """One sentence for each cell that could not be read."""
    starts: tuple[Mapping[str, Any], ...] = ()
    """What `run.json` says of how each folder was made."""

    @property
    def done(self) -> Iterator[tuple[Cell, str]]:
        """The finished cells, each with its row."""
        return ((c, row) for c, row in zip(self.cells, self.labels, strict=True) if c.done)


def open_run(path: str | Path | Sequence[str | Path]) -> Run:
    """Read one run folder, or several as one; equal cells count once.

    Cells of one data set that differ in split, bands or exclusion are refused: they answer
    different questions. A damaged cell is told in `Run.damaged` and stops nothing.
    """
    folders = tuple(Path(p) for p in ([path] if isinstance(path, str | Path) else path))
    found: dict[str, Cell] = {}
    damaged: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            raise NothingToReport(f"a run folder must exist; {folder} does not; give one of `run`")
        cells, broken = read_cells(folder)
        damaged += broken
        for cell in cells:
            if cell.folder.name not in found or not found[cell.folder.name].done:
                found[cell.folder.name] = cell
    cells = list(found.values())
    _require_results(folders, cells, damaged)
    require_comparable(cells)
    starts = tuple(_start(folder) for folder in folders)
    return Run(folders, tuple(cells), tuple(_labels(cells)), tuple(damaged), starts)


def measure(run: Run, metric: str | None = None) -> Metric:
    """The metric to show: the one asked for, else ndcg@20 where measured, else the first."""
    listed = (c.record["metrics"] for c, _ in run.done)
    known = dict.fromkeys((m["metric"], int(m["k"])) for cell in listed for m in cell)
    asked = parse_metrics(metric or PRIMARY)[0]
    if asked in known:
        return asked
    if metric is None and known:
        return next((m for m in known if m[0] == "ndcg"), next(iter(known)))
    said = ", ".join(f"{name}@{k}" for name, k in known)
    raise UserError(f"a metric must have been measured in this run; got {metric!r}; known: {said}")


def results(run: Run) -> pd.DataFrame:
    """The long form of `results.csv`, with `row` and `kind`; one line a value."""
    lines = [_names(cell, row) | line for cell, row in run.done for line in result_rows(cell)]
    frame = pd.DataFrame(lines)
    return frame.astype({"value": float, "k": int, "seed": int})


def user_values(cell: Cell, metric: str, k: int, band: str = "all") -> pd.Series:
    """The value of each user who has one in this cell, by user id."""
    name = f"{metric}@{k}/{band}"
    with np.load(cell.folder / "users.npz", allow_pickle=False) as arrays:
        if name not in arrays.files:
            return pd.Series(dtype=float)
        values, index = arrays[name].astype(float), arrays["users"]
    return pd.Series(values, index=pd.Index(index, name="user"), name="value").dropna()


def users(run: Run, metric: str = "ndcg", k: int = 20, band: str = "all") -> pd.DataFrame:
    """Per-user values, one line a user and cell; users with no value in the band are left out."""
    parts = []
    for cell, row in run.done:
        values = user_values(cell, metric, k, band).reset_index()
        names = _names(cell, row) | {"seed": cell.spec["seed"]}
        parts.append(values.assign(**{name: names[name] for name in (*ROW, "seed")}))
    return pd.concat(parts, ignore_index=True)[[*ROW, "seed", "user", "value"]]


def epochs(run: Run) -> pd.DataFrame:
    """One line an epoch and cell: what `epochs.csv` holds, beside the names of the cell."""
    return pd.DataFrame(
        [
            _names(cell, row) | {"seed": cell.spec["seed"]} | line
            for cell, row in run.done
            for line in cell.epochs()
        ],
        columns=None,
    )


def cells(run: Run) -> pd.DataFrame:
    """One line a cell, failed ones too: status, reason, fit, seconds and memory."""
    lines = []
    for cell, row in zip(run.cells, run.labels, strict=True):
        record = cell.record
        line = _names(cell, row) | {"seed": cell.spec["seed"], "status": record["status"]}
        line |= {"reason": record.get("reason", "")} | record.get("fit", {})
        for clock, parts in record.get("seconds", {}).items():
            line |= {f"{clock}_{part}": seconds for part, seconds in parts.items()}
        lines.append(line | {"peak_memory_mb": record.get("peak_memory_mb")})
    return pd.DataFrame(lines)


def _names(cell: Cell, row: str) -> dict[str, Any]:
    spec = cell.spec
    kind = REFERENCE if spec["backbone"] == REFERENCE else "method"
    start = {name: spec[name] for name in ("dataset", "backbone", "method", "variant")}
    return start | {"row": row, "kind": kind}


def _labels(cells: Sequence[Cell]) -> list[str]:
    """The row of each cell, with the settings in which cells of one row differ."""
    plain = [
        f"{c.spec['method']}({v})" if (v := c.spec["variant"]) else c.spec["method"] for c in cells
    ]
    settings = [dict(_settings(cell.spec)) for cell in cells]
    alike = defaultdict(list)
    for at, cell in enumerate(cells):
        alike[cell.spec["dataset"], cell.spec["backbone"], plain[at]].append(at)
    labels = list(plain)
    for places in alike.values():
        first = settings[places[0]]
        names = sorted({name for at in places for name in first.keys() | settings[at].keys()})
        differ = [n for n in names if len({repr(settings[at].get(n)) for at in places}) > 1]
        for at in places if differ else ():
            said = ",".join(f"{n.rpartition('.')[2]}={settings[at].get(n)}" for n in differ)
            labels[at] = f"{plain[at]} [{said}]"
    return labels


def _settings(spec: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in spec.items():
        if start or name not in _NOT_SETTINGS:
            if isinstance(value, Mapping):
                yield from _settings(value, f"{start}{name}.")
            else:
                yield f"{start}{name}", value


def _require_results(folders: Sequence[Path], cells: Sequence[Cell], damaged: list[str]) -> None:
    if any(cell.done for cell in cells):
        return
    where = ", ".join(map(str, folders))
    if cells:
        why = f"its {len(cells)} cells failed, the first with: {cells[0].record.get('reason', '')}"
    else:
        why = damaged[0] if damaged else "it holds no cell"
    raise NothingToReport(f"a report needs a finished cell; {where} has none ({why}); run it first")


def _start(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # a merged or moved folder may lack it; the cells say all that matters
    return told if isinstance(told, dict) else {}
