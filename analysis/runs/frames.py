"""Frames: the records of a run as tidy tables, the one door through which every analysis reads.

A row of a table is a method as it was asked for: `dns`, or `dns(candidates=32)`. Where one run
holds a row under two settings (another learning rate, say) the label says which: `dns [lr=0.01]`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import damaged_cells
from .comparability import require_comparable
from .damaged_cells import Guarded
from negbench.errors import NothingToReport, UserError
from negbench.evaluation.metric_names import METRICS, Metric, parse_metrics
from negbench.storage.cell_store import COLUMNS, Cell, digest, read_cells

PRIMARY = "ndcg@20"
REFERENCE = "reference"
ROW = ["dataset", "backbone", "method", "variant", "row", "kind"]
"""What tells one row of a table from another; `kind` is "method" or "reference"."""

# These make cells incomparable, are checked elsewhere, or do not change what was trained.
_NOT_SETTINGS = {"dataset", "backbone", "method", "variant", "method_config", "seed"}
_NOT_SETTINGS |= {"backbone_variant"}  # said in full by backbone_config
_NOT_SETTINGS |= {"data", "split", "exclude", "bands", "metrics"}


@dataclass(frozen=True, eq=False)
class Run:
    """What one or more run folders hold."""

    folders: tuple[Path, ...]
    cells: tuple[Cell, ...]
    labels: tuple[str, ...]
    """The row of each cell."""
    told: list[str] = field(default_factory=list, repr=False)
    """Grows as files that are read late turn out to be damaged; the cells share it."""
    starts: tuple[Mapping[str, Any], ...] = ()
    """What `run.json` says of how each folder was made."""
    remarks: tuple[str, ...] = ()
    """One sentence for each missing file that nothing here needs."""
    kept: dict[Any, pd.DataFrame] = field(default_factory=dict, repr=False)
    """Frames that were made once and may be asked for again."""

    @property
    def damaged(self) -> tuple[str, ...]:
        """One sentence for each file that was found damaged or foreign so far."""
        return tuple(dict.fromkeys(self.told))

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
    told: list[str] = []
    starts, missing = [], []
    for folder in _once(folders):
        missing += damaged_cells.remarks(folder)
        cells, broken = read_cells(folder)
        began, trouble = damaged_cells.start(folder)
        starts.append(began)
        told += [*broken, *([trouble] if trouble else [])]
        for cell in cells:
            if why := damaged_cells.fault(cell):
                told.append(f"{damaged_cells.LOST}; {cell.folder} is not ({why}); run it again")
                continue
            name = digest(cell.spec)
            if name not in found or not found[name].done:
                found[name] = Guarded(cell.folder, cell.record, told)
    whole = list(found.values())
    _require_results(folders, whole, told)
    require_comparable(whole)
    return Run(folders, tuple(whole), tuple(_labels(whole)), told, tuple(starts), tuple(missing))


def kept(make: Callable[[Run], pd.DataFrame]) -> Callable[[Run], pd.DataFrame]:
    """Make a frame of a run once; each caller gets a copy of its own."""

    @wraps(make)
    def once(run: Run) -> pd.DataFrame:
        if make not in run.kept:
            run.kept[make] = make(run)
        return run.kept[make].copy()

    return once


def measure(run: Run, metric: str | None = None) -> Metric:
    """The metric to show: the one asked for, else ndcg@20 where measured, else the first."""
    tested = results(run).query("split == 'test' and band == 'all'")[["metric", "k"]]
    pairs = tested.drop_duplicates().itertuples(index=False, name=None)
    known = [(str(name), int(k)) for name, k in pairs if name in METRICS]
    asked = parse_metrics(metric or PRIMARY)[0]
    if asked in known:
        return asked
    if metric is None and known:
        return next((m for m in known if m[0] == "ndcg"), known[0])
    said = ", ".join(f"{name}@{k}" for name, k in known)
    raise UserError(f"a metric must have been measured in this run; got {metric!r}; known: {said}")


@kept
def results(run: Run) -> pd.DataFrame:
    """The long form of `results.csv`, with `row` and `kind`; one line a value."""
    counts = [len(cell.record["metrics"]) for cell, _ in run.done]
    lines = [line for cell, _ in run.done for line in cell.record["metrics"]]
    values = {name: [line[name] for line in lines] for name in COLUMNS[5:]}
    frame = repeated(run, counts).assign(**values)
    return frame.astype({"value": float, "k": int, "seed": int})


def user_values(cell: Cell, metric: str, k: int, band: str = "all") -> pd.Series:
    """The value of each user who has one in this cell, by user id."""
    name = f"{metric}@{k}/{band}"
    arrays = cell.arrays("users", name)
    if len(arrays) < 2:
        return pd.Series(dtype=float)
    index = pd.Index(arrays["users"], name="user")
    return pd.Series(arrays[name].astype(float), index=index, name="value").dropna()


def users(run: Run, metric: str = "ndcg", k: int = 20, band: str = "all") -> pd.DataFrame:
    """Per-user values, one line a user and cell; users with no value in the band are left out."""
    found = [user_values(cell, metric, k, band) for cell, _ in run.done]
    frame = repeated(run, [len(values) for values in found])
    frame["user"] = np.concatenate([values.index.to_numpy(int) for values in found])
    frame["value"] = np.concatenate([values.to_numpy(float) for values in found])
    return frame


@kept
def epochs(run: Run) -> pd.DataFrame:
    """One line an epoch and cell: what `epochs.csv` holds, beside the names of the cell."""
    found = [cell.epochs() for cell, _ in run.done]
    lines = pd.DataFrame([line for cell in found for line in cell])
    names = repeated(run, [len(cell) for cell in found])
    own = lines.drop(columns=[name for name in lines.columns if name in names.columns])
    return pd.concat([names, own], axis=1)


@kept
def cells(run: Run) -> pd.DataFrame:
    """One line a cell, failed ones too: status, reason, fit, seconds and memory."""
    lines = []
    for cell, row in zip(run.cells, run.labels, strict=True):
        record = cell.record
        line = _names(cell, row) | {"seed": cell.spec["seed"], "status": record["status"]}
        line |= {"reason": record.get("reason", "")} | (record.get("fit") or {})
        for clock, parts in (record.get("seconds") or {}).items():
            if isinstance(parts, Mapping):
                line |= {f"{clock}_{part}": seconds for part, seconds in parts.items()}
        lines.append(line | {"peak_memory_mb": record.get("peak_memory_mb")})
    return pd.DataFrame(lines)


def inspect(run: Run) -> tuple[str, ...]:
    """What is damaged, with the files that are read late looked at, so that every output agrees."""
    epochs(run)
    for cell, _ in run.done:
        cell.arrays("users")
    return run.damaged


def repeated(run: Run, counts: Sequence[int]) -> pd.DataFrame:
    """The names and the seed of each finished cell, each on as many lines as it has."""
    names = [_names(cell, row) | {"seed": int(cell.spec["seed"])} for cell, row in run.done]
    frame = pd.DataFrame(names, columns=[*ROW, "seed"])
    return frame.loc[frame.index.repeat(counts)].reset_index(drop=True)


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


def _once(folders: Sequence[Path]) -> list[Path]:
    """The folders, each once however it is spelled; one that is not there is refused."""
    for folder in folders:
        if not folder.is_dir():
            raise NothingToReport(f"a run folder must exist; {folder} does not; give one of `run`")
    return list({folder.resolve(): folder for folder in reversed(folders)}.values())[::-1]
