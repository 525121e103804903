"""Results on disk: a folder per cell, named by the hash of its spec; JSON and npz, no pickles.

    RUN/run.json                 how the run was started and gone on with: `run_file`
    RUN/cells/<hash>/cell.json   spec, status, code, split, bands, metrics, timings, environment
    RUN/cells/<hash>/epochs.csv  one row an epoch
    RUN/cells/<hash>/users.npz   users [n], top [n, 100], and per-user values "ndcg@20/all" [n]
    RUN/cells/<hash>/ranks.npz   the rank of every held-out pair, from which any metric follows: of
                                 each part, "test_users" [n], "test_lengths" [n], and user by user
                                 "test_items" and "test_ranks" [pairs]
    RUN/cells/<hash>/negatives.npz  a sample of the negatives used, if requested
    RUN/cells/<hash>/triplets.npz  triplets with their values, if the method records them
    RUN/cells/<hash>/traceback.txt  of a failed cell: where its error came from
    RUN/claims/                  who trains which cell at the moment: `claims`
    RUN/results.csv              derived from the cells, long form
    RUN/ids/                     users' and items' ids and names of each data set
    RUN/splits/<hash>.npz        the parts of each split, "train_lengths" [U], "train_items" [pairs]
    RUN/replaced/<hash>          cells of earlier data (after run --overwrite all), or of a plug-in
                                 before it was edited

A cell is written to a temporary folder and renamed, so it is complete or absent. Nothing here
imports torch, so reading a run is fast.
"""

import csv
import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.errors import UserError
from negbench.plugins.row_terms import backbone_term
from negbench.storage.atomic_write import aside, write_json, write_text
from negbench.storage.integrity import FORMAT, intact_file, intact_record

COLUMNS = (
    "dataset",
    "backbone",
    "method",
    "variant",
    "seed",
    "split",
    "metric",
    "k",
    "band",
    "value",
)
CELL = "cell"
"""The last column of `results.csv`, where two cells have one key: the name of the cell's folder."""
TRACEBACK = "traceback.txt"
Array = NDArray[Any]


def digest(spec: Mapping[str, Any]) -> str:
    """Hash of a resolved spec, twelve hex digits: the name of the cell's folder."""
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Cell:
    """A cell of the grid, read from disk."""

    folder: Path
    record: dict[str, Any]

    @property
    def spec(self) -> dict[str, Any]:
        """The resolved settings of the cell."""
        spec: dict[str, Any] = self.record["spec"]
        return spec

    @property
    def backbone(self) -> str:
        """The backbone as it was typed: `mf`, or `mf(dim=32)`."""
        return backbone_term(self.spec)

    @property
    def done(self) -> bool:
        """Whether it was trained and evaluated; a failed cell has a `reason`."""
        return bool(self.record["status"] == "done")

    @property
    def failure(self) -> str:
        """Why it failed; of an unexpected error also file, line, and where its traceback lies."""
        reason, where = str(self.record["reason"]), self.record.get("where")
        path = self.folder / TRACEBACK
        with suppress(ValueError):
            path = path.relative_to(Path.cwd())
        return f"{reason} ({where}); the whole traceback: {path}" if where else reason

    @property
    def list_length(self) -> int:
        """The greatest K that was measured; the lists that are kept may be longer."""
        return max((int(line["k"]) for line in self.record["metrics"]), default=0)

    def users(self) -> dict[str, Array]:
        """All per-user arrays by name."""
        path = self.folder / "users.npz"
        with intact_file(path), np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def arrays(self, *names: str) -> dict[str, Array]:
        """The per-user arrays of these names, as far as present; others are not read."""
        path = self.folder / "users.npz"
        with intact_file(path), np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names if name in arrays.files}

    def epochs(self) -> list[dict[str, float]]:
        """The logged metrics of each epoch; empty if nothing was trained."""
        path = self.folder / "epochs.csv"
        if not path.exists():
            return []
        with intact_file(path):
            return _epochs(path.read_text("utf-8"))


def write_cell(
    run: Path,
    record: Mapping[str, Any],
    *,
    epochs: Sequence[Mapping[str, Any]] = (),
    users: Mapping[str, Array] | None = None,
    ranks: Mapping[str, Array] | None = None,
    negatives: Mapping[str, Array] | None = None,
    triplets: Mapping[str, Array] | None = None,
) -> Path:
    """Write a cell atomically; an older one of the same spec is replaced."""
    folder = run / "cells" / digest(record["spec"])
    temporary = aside(folder)
    temporary.mkdir(parents=True)
    try:
        if epochs:
            (temporary / "epochs.csv").write_text(_csv(epochs), encoding="utf-8")
        if users is not None:
            np.savez_compressed(temporary / "users.npz", **users)  # type: ignore[arg-type]
        if ranks is not None:
            np.savez_compressed(temporary / "ranks.npz", **ranks)  # type: ignore[arg-type]
        if negatives is not None:
            np.savez_compressed(temporary / "negatives.npz", **negatives)  # type: ignore[arg-type]
        if triplets is not None:
            np.savez_compressed(temporary / "triplets.npz", **triplets)  # type: ignore[arg-type]
        if trace := record.get("traceback"):
            (temporary / TRACEBACK).write_text(trace, "utf-8", "backslashreplace")
        write_json(temporary / "cell.json", {"format": FORMAT, **record})
        if folder.exists():
            folder.rename(temporary.with_name(temporary.name + ".old"))
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(temporary.with_name(temporary.name + ".old"), ignore_errors=True)
    return folder


def read_cell(folder: Path) -> Cell:
    """Read one cell.

    Raises UserError, naming the folder, if the cell is damaged or of another format.
    """
    try:
        return Cell(folder, intact_record(folder))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        denied = isinstance(error, PermissionError)
        remedy = "make it readable" if denied else "remove it and run again"
        raise UserError(f"a cell must be whole; {folder} is not ({why}); {remedy}") from error


def find_cell(run: Path, spec: Mapping[str, Any]) -> Cell | None:
    """The cell of this spec, None if it is absent or damaged."""
    folder = run / "cells" / digest(spec)
    if not folder.is_dir():
        return None
    try:
        return read_cell(folder)
    except UserError:
        return None


def version(run: Path, spec: Mapping[str, Any], *, anew: bool = False) -> str:
    """Tells what is written of a cell now from what was or will be; empty if nothing is.

    With `anew` what a network file system remembers of the folder does not count.
    """
    cells = run / "cells"
    if anew:  # a new entry makes its client read the folder again
        probe = aside(cells / "look")
        with suppress(OSError):
            probe.touch()
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    try:
        now = (cells / digest(spec) / "cell.json").stat()
    except OSError:
        return ""
    return f"{now.st_mtime_ns} {now.st_size}"


def read_cells(run: Path) -> tuple[list[Cell], list[str]]:
    """All intact cells of a run by name, and one sentence for each damaged one."""
    cells, damaged = [], []
    try:
        names = sorted(name for name in os.listdir(run / "cells") if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    except OSError as error:
        return [], [f"cells must be readable; {run / 'cells'} is not ({error.strerror})"]
    for name in names:
        try:
            cells.append(_read_with_retry(run / "cells" / name))
        except UserError as error:
            damaged.append(str(error))
    return cells, damaged


def _read_with_retry(folder: Path) -> Cell:
    """Read a cell; one that is absent while it is being replaced is tried again."""
    for _ in range(20):
        try:
            return read_cell(folder)
        except UserError:
            if os.path.lexists(folder):
                break
            time.sleep(0.005)
    return read_cell(folder)


def write_results(run: Path) -> Path:
    """Rebuild `results.csv` from the cells, sorted by spec.

    Where cells differ in settings alone (another learning rate, say) a column tells them apart.
    """
    cells, _ = read_cells(run)
    done = [cell for cell in cells if cell.done]
    rows = [{**row, CELL: cell.folder.name} for cell in done for row in result_rows(cell)]
    rows.sort(key=lambda row: [row[name] for name in COLUMNS[:4]] + [int(row["seed"])])
    alike = len({tuple(cell.spec[name] for name in COLUMNS[:5]) for cell in done}) < len(done)
    text = io.StringIO()
    columns = (*COLUMNS, CELL) if alike else COLUMNS
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = run / "results.csv"
    write_text(path, text.getvalue())
    return path


def result_rows(cell: Cell) -> Iterator[dict[str, Any]]:
    """The rows of one cell in `results.csv`, one per metric."""
    spec = cell.spec
    start = {name: spec[name] for name in ("dataset", "backbone", "method", "variant", "seed")}
    for metric in cell.record["metrics"]:
        yield start | {name: metric[name] for name in COLUMNS[5:]}


def _epochs(text: str) -> list[dict[str, float]]:
    rows = [line for line in csv.reader(io.StringIO(text)) if line]
    if not rows or "epoch" not in rows[0]:
        raise ValueError("it has no column `epoch`")
    if not text.endswith("\n") or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("a line is cut short")
    return [
        {name: float(value) for name, value in zip(rows[0], row, strict=True) if value}
        for row in rows[1:]
    ]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
