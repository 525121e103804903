"""The records of a run as tidy pandas frames; every analysis reads a run through this module.

A row of a table is a method as it is typed: `dns`, or `popularity(negatives=32)+dns`; `-m LABEL`
gives the row again. Where one run holds a row under two settings of the whole training (another
learning rate, say) the label says which: `dns@lr=0.01`, as it is typed (`row_labels.py`). A tuned
row is typed back with `--tuned`: `-m dns --tuned runs/tuned`.

A run that is repeated over splits (`split_folders.py`) has the number of a cell's split in the
column `partition`, 0 in all other runs: partition and seed together name a training of a row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric, parse_metric
from negbench.storage import run_file, split_folders
from negbench.storage.cell_store import COLUMNS, Cell, digest, read_cells

from . import damaged_cells
from .comparability import require_comparable
from .figure_choices import FigureChoices
from .notes import Note, problem_of_store
from .ranked_cells import RankedCell, with_bands
from .row_labels import row_labels
from .run_folders import once, require_results
from .tuned_rows import row_variant

PRIMARY = Metric("ndcg", 20)
MetricLike = Metric | str | None
"""A metric, its text as users type it (`ndcg@20`), or None for the default of the run."""
REFERENCE = "reference"
ROW = ["dataset", "backbone", "method", "variant", "row", "kind"]
"""The key of a row of a table; `kind` is "method" or "reference"."""
TRAINING = ["partition", "seed"]
"""What tells the trainings of one row apart."""


@dataclass(frozen=True, eq=False)
class Run:
    """The cells of one or more run folders, finished and failed."""

    folders: tuple[Path, ...]
    cells: tuple[RankedCell, ...]
    labels: tuple[str, ...]
    """The row of each cell."""
    problems: list[Note] = field(default_factory=list, repr=False)
    """Grows as lazily read files turn out to be damaged; shared with the cells."""
    starts: tuple[Mapping[str, Any], ...] = ()
    """The content of each folder's `run.json`: how the run began."""
    planned: int = 0
    """The cells that the folders' `run.json` plan; 0 where these are not recorded."""
    pending: int = 0
    """How many of them are not on disk yet, neither finished nor failed."""
    remarks: tuple[str, ...] = ()
    """One sentence for each missing file that no analysis needs."""
    cache: dict[Any, pd.DataFrame] = field(default_factory=dict, repr=False)
    """Frames that `cached` functions computed."""
    figures: FigureChoices = FigureChoices()
    """What a user asked of the figures."""

    @property
    def damaged(self) -> tuple[str, ...]:
        """One sentence for each damaged or foreign file met so far."""
        return tuple(dict.fromkeys(problem.text for problem in self.problems))

    @property
    def partitions(self) -> tuple[int, ...]:
        """The numbers of the splits that the run is repeated over; (0,) where it is not."""
        return tuple(sorted({cell.partition for cell, _ in self.done}))

    @property
    def done(self) -> Iterator[tuple[RankedCell, str]]:
        """The finished cells, each with the label of its row."""
        return ((c, row) for c, row in zip(self.cells, self.labels, strict=True) if c.done)


def open_run(path: str | Path | Sequence[str | Path], bands: str | None = None) -> Run:
    """Read one run folder, or several as one; a training counts once.

    The split folders of a run repeated over splits stand for it; only such may differ in split.

    `bands` is a rule of popularity bands that takes the place of the run's own: every value by band
    is cut again. A damaged cell is reported in `Run.damaged` and left out.

    Raises UserError if cells of one data set differ in split, bands or exclusion, for these do not
    compare, if splits do not repeat one rule, or cells cannot be cut again, and NothingToReport if
    a folder is missing or no cell finished.
    """
    folders = tuple(Path(p) for p in ([path] if isinstance(path, str | Path) else path))
    cells: dict[str, RankedCell] = {}
    problems: list[Note] = []
    starts, missing = [], []
    planned: set[str] = set()
    there: set[str] = set()
    each_once = once(split_folders.expanded(folders))
    for folder, partition in zip(each_once, split_folders.partitions(each_once), strict=True):
        missing += damaged_cells.remarks(folder)
        in_folder, broken = read_cells(folder)
        info, problem = damaged_cells.run_info(folder)
        starts.append(info)
        planned |= {str(entry["cell"]) for entry in run_file.planned(info)}
        there |= {cell.folder.name for cell in in_folder}
        problems += [*map(problem_of_store, broken), *([Note("file", problem)] if problem else [])]
        for cell in in_folder:
            if why := damaged_cells.fault(cell):
                remedy = "remove it and run again"
                text = f"a cell must be whole; {cell.folder} is not ({why}); {remedy}"
                problems.append(Note("cell", text))
                continue
            read = RankedCell(cell.folder, cell.record, problems, partition=partition)
            name = f"{partition} {_training(read, bands)}"
            if name not in cells or not cells[name].done or _tells_more(read, cells[name]):
                cells[name] = read
    whole = tuple(cells.values())
    require_results(folders, whole, problems)
    if bands is not None:
        whole = tuple(with_bands(cell, bands) if cell.done else cell for cell in whole)
    require_comparable(whole)
    return Run(
        folders,
        whole,
        tuple(row_labels(whole)),
        problems,
        tuple(starts),
        planned=len(planned),
        pending=len(planned - there),
        remarks=tuple(missing),
    )


def _training(cell: RankedCell, bands: str | None) -> str:
    """What a cell trained: one training counts once, whatever was measured of it at its end.

    Cells without ranks know their own metrics alone, so none of them stands for another.
    """
    measured = {"metrics"} if bands is None else {"metrics", "bands"}
    dropped = {"watch_test"} | (measured if cell.ranked else set())
    return digest({name: value for name, value in cell.spec.items() if name not in dropped})


def _tells_more(cell: RankedCell, other: RankedCell) -> bool:
    """Whether a cell knows the test metric of its epochs, and another of its training does not."""
    return cell.done and bool(cell.spec.get("watch_test")) > bool(other.spec.get("watch_test"))


def cached(compute: Callable[[Run], pd.DataFrame]) -> Callable[[Run], pd.DataFrame]:
    """Decorator: compute a frame once a run; each caller gets a copy of its own."""

    @wraps(compute)
    def once(run: Run) -> pd.DataFrame:
        if compute not in run.cache:
            run.cache[compute] = compute(run)
        return run.cache[compute].copy()

    return once


def choose_metric(run: Run, metric: MetricLike = None) -> Metric:
    """The metric to show: the one asked for, else ndcg@20 where measured, else the first.

    Any other metric at any K can be asked for where all cells keep the ranks of held-out pairs.

    Raises UserError if the metric asked for is unknown or several, or neither measured nor to be
    computed.
    """
    known = measured(run)
    asked = metric or PRIMARY
    if isinstance(asked, str):
        asked = parse_metric(asked, also={name for name, _ in known})
    if not isinstance(asked, tuple):
        raise UserError(f"a metric must be a text, as ndcg@20; got {asked!r}")
    if asked in known:
        return asked
    if metric is None and known:
        return next((m for m in known if m.name == "ndcg"), known[0])
    older = [cell for cell, _ in run.done if not cell.ranked]
    if not older:
        return asked
    names = ", ".join(map(str, known))
    raise UserError(
        f"a metric must have been measured in this run; got {str(metric)!r}, and {len(older)} of "
        f"{len(list(run.done))} cells keep no ranks to compute it from, for an older negbench "
        f"wrote them: run them again with --overwrite all; known: {names}"
    )


def measured(run: Run) -> list[Metric]:
    """The metrics that the cells recorded when they were trained."""
    tested = results(run).query("split == 'test' and band == 'all'")[["metric", "k"]]
    pairs = tested.drop_duplicates().itertuples(index=False, name=None)
    accuracy = {name for cell, _ in run.done for name in cell.accuracy}
    return [Metric(str(name), int(k)) for name, k in pairs if name in accuracy]


@cached
def results(run: Run) -> pd.DataFrame:
    """The long form of `results.csv`, with `row` and `kind`; one line a value."""
    counts = [len(cell.record["metrics"]) for cell, _ in run.done]
    lines = [line for cell, _ in run.done for line in cell.record["metrics"]]
    values = {name: [line[name] for line in lines] for name in COLUMNS[5:]}
    frame = repeated(run, counts).assign(**values)
    return frame.astype({"value": float, "k": int, "seed": int})


def user_values(cell: Cell, metric: Metric, band: str = "all") -> pd.Series:
    """The metric of each user who has a value in this cell, indexed by user id."""
    name = f"{metric}/{band}"
    arrays = cell.arrays("users", name)
    if len(arrays) < 2:
        return pd.Series(dtype=float)
    index = pd.Index(arrays["users"], name="user")
    return pd.Series(arrays[name].astype(float), index=index, name="value").dropna()


def users(run: Run, metric: Metric = PRIMARY, band: str = "all") -> pd.DataFrame:
    """Per-user values, one line a user and cell; users with no value in the band are left out."""
    parts = [user_values(cell, metric, band) for cell, _ in run.done]
    frame = repeated(run, [len(values) for values in parts])
    frame["user"] = np.concatenate([values.index.to_numpy(int) for values in parts])
    frame["value"] = np.concatenate([values.to_numpy(float) for values in parts])
    return frame


@cached
def epochs(run: Run) -> pd.DataFrame:
    """One line an epoch and cell: the columns of `epochs.csv` after the key of the cell."""
    parts = [cell.epochs() for cell, _ in run.done]
    lines = pd.DataFrame([line for part in parts for line in part])
    names = repeated(run, [len(part) for part in parts])
    own = lines.drop(columns=[name for name in lines.columns if name in names.columns])
    return pd.concat([names, own], axis=1)


@cached
def cells(run: Run) -> pd.DataFrame:
    """One line a cell, failed ones too: status, reason, fit, seconds and memory."""
    lines = []
    for cell, row in zip(run.cells, run.labels, strict=True):
        record = cell.record
        line = _names(cell, row) | {"partition": cell.partition, "seed": cell.spec["seed"]}
        line["status"] = record["status"]
        line |= {"reason": record.get("reason", "")} | (record.get("fit") or {})
        for clock, parts in (record.get("seconds") or {}).items():
            if isinstance(parts, Mapping):
                line |= {f"{clock}_{part}": seconds for part, seconds in parts.items()}
        environment = record.get("environment") or {}
        line |= {name: environment.get(name) for name in ("processor", "device", "threads")}
        lines.append(line | {"peak_memory_mb": record.get("peak_memory_mb")})
    return pd.DataFrame(lines)


def inspect(run: Run) -> tuple[str, ...]:
    """Read the lazily read files too, and list what is damaged, so that all outputs agree."""
    epochs(run)
    for cell, _ in run.done:
        cell.arrays("users")
    return run.damaged


def repeated(run: Run, counts: Sequence[int]) -> pd.DataFrame:
    """The key, partition and seed of each finished cell, repeated as often as `counts` says."""
    names = [
        _names(cell, row) | {"partition": cell.partition, "seed": int(cell.spec["seed"])}
        for cell, row in run.done
    ]
    frame = pd.DataFrame(names, columns=[*ROW, *TRAINING])
    return frame.loc[frame.index.repeat(counts)].reset_index(drop=True)


def trainings(frame: pd.DataFrame) -> pd.Series:
    """A number for each line that is the same for lines of one partition and seed."""
    names = [name for name in TRAINING if name in frame]
    return frame.groupby(names, sort=False).ngroup()


def _names(cell: Cell, row: str) -> dict[str, Any]:
    spec = cell.spec
    kind = REFERENCE if spec["backbone"] == REFERENCE else "method"
    start = {"dataset": spec["dataset"], "backbone": cell.backbone, "method": spec["method"]}
    return start | {"variant": row_variant(spec), "row": row, "kind": kind}
