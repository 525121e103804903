"""Exports recommended lists and logged negatives, with the user and item ids of the data.

Cells hold indices. A run keeps the ids and names of each data set beside them, as they were when it
was last run: RUN/ids/<checksum>-<hash of its name>.json, for two files of other ids may hold the
same pairs. Folders of older versions have RUN/ids/<checksum>.json, which is read where the other is
missing.
"""

import csv
import hashlib
import io
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from negbench.data.interactions import Interactions
from negbench.errors import NothingToReport, UserError, did_you_mean
from negbench.storage import cell_store
from negbench.storage.atomic_write import write_json
from negbench.storage.cell_store import Cell
from negbench.storage.integrity import Damaged, intact_file

ROW = cell_store.COLUMNS[:5]
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "recs": (*ROW, "user", "rank", "item", "name"),
    "negatives": (*ROW, "epoch", "user", "positive", "negative", "s_positive", "s_negative"),
}
"""Columns of each export."""
FORMATS: Mapping[str, tuple[str, ...]] = {
    "recs": ("csv", "parquet", "trec"),
    "negatives": ("csv", "parquet"),
}
FIELDS = ("user", "positive", "negative", "s_positive", "s_negative", "epoch")
Line = dict[str, Any]
logger = logging.getLogger(__name__)


def keep_ids(run: Path, data: Interactions) -> None:
    """Write the ids and names of a data set beside its cells, and again where they have changed."""
    path = _ids_path(run, data.name, data.checksum)
    before = _content_of(path)
    if before == data.content:
        return
    if before:
        logger.warning(
            "negbench: the ids, names or texts of %s have changed, its interactions have not: what "
            "is finished stays, and exports give the new ones",
            data.name,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    users, items = data.user_ids, data.item_ids
    ids = {
        "dataset": data.name,
        "content": data.content,
        "users": list(range(data.n_users)) if users is None else users.tolist(),
        "items": list(range(data.n_items)) if items is None else items.tolist(),
        "names": list(data.item_names or ()),
    }
    write_json(path, ids)


def read_ids(run: Path, dataset: str, checksum: str) -> dict[str, list[Any]]:
    """The user ids, item ids and item names of a data set. Raises UserError if they are missing."""
    path = _ids_path(run, dataset, checksum)
    older = run / "ids" / f"{checksum[:12]}.json"
    path = older if older.exists() and not path.exists() else path
    try:
        content: dict[str, list[Any]] = json.loads(path.read_text("utf-8"))
        return {name: content[name] for name in ("users", "items", "names")}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"exports need the ids that a run keeps; {path} cannot be read ({error}); run again"
        ) from error


def recommendations(run: Path, k: int | None = None) -> Iterator[Line]:
    """The lines of every finished cell, a row for each user and rank; damaged cells are logged.

    Lists are of `k` items, or of the greatest K of the cell's metrics. Raises UserError if a cell
    keeps shorter ones.
    """
    for cell in finished_cells(run, k):
        yield from lists(run, cell, k)


def lists(run: Path, cell: Cell, k: int | None = None) -> Iterator[Line]:
    """The lines of one cell, a row for each user and rank; none and a log message if damaged."""
    ids, start = _ids(run, cell), _start(cell)
    try:
        users, tops = cell.arrays("users")["users"], _top(cell, k)
    except Damaged as damage:
        _log_damage(damage)
        return
    for user, top in zip(users.tolist(), tops.tolist(), strict=True):
        for rank, item in enumerate((item for item in top if item >= 0), 1):
            name = ids["names"][item] if ids["names"] else ""
            yield start | {
                "user": ids["users"][user],
                "rank": rank,
                "item": ids["items"][item],
                "name": name,
            }


def _top(cell: Cell, k: int | None) -> cell_store.Array:
    """The lists of a cell [n, K]. Raises UserError if they are shorter than `k`."""
    top = cell.arrays("top")["top"]
    if k is None:
        return top[:, : cell.list_length or None]
    if k < 1 or top.shape[1] < min(k, cell.record["data"]["n_items"]):
        raise UserError(
            f"--k must lie between 1 and {top.shape[1]}, the length of the lists that "
            f"{cell.folder} keeps; got {k}"
        )
    return top[:, :k]


def negatives(run: Path) -> Iterator[Line]:
    """The logged negatives of each cell, a row each, in the order of training.

    Raises NothingToReport if no cell logged any.
    """
    logged = [cell for cell in finished_cells(run) if (cell.folder / "negatives.npz").exists()]
    if not logged:
        raise NothingToReport(
            f"an export of negatives needs cells that kept some; {run} has none; run it with "
            "--log-negatives 10000"
        )
    for cell in logged:
        ids, start = _ids(run, cell), _start(cell)
        try:
            kept = _logged(cell.folder / "negatives.npz")
        except Damaged as damage:
            _log_damage(damage)
            continue
        for at in range(len(kept["user"])):
            yield start | {
                "epoch": kept["epoch"][at],
                "user": ids["users"][kept["user"][at]],
                "positive": ids["items"][kept["positive"][at]],
                "negative": ids["items"][kept["negative"][at]],
                "s_positive": kept["s_positive"][at],
                "s_negative": kept["s_negative"][at],
            }


def write(
    run: Path, into: TextIO, form: str = "csv", what: str = "recs", k: int | None = None
) -> int:
    """Write all rows of `what` as csv, or the lists of the one system as TREC; their number.

    `k` is the length of the lists, as in `recommendations`.
    """
    _known(form, what)
    if form == "trec":
        from negbench.experiment.finished import trec  # which reads the lists by this module

        return trec.write(run, into, k)
    n = 0
    writer = csv.DictWriter(into, COLUMNS[what], lineterminator="\n")
    for n, row in enumerate(_lines(run, what, k), 1):
        if n == 1:
            writer.writeheader()
        writer.writerow(row)
    return n


def parquet(run: Path, what: str = "recs", k: int | None = None) -> tuple[bytes, int]:
    """All rows of `what` as the content of a parquet file, and their number.

    Raises UserError if pyarrow is not installed.
    """
    _known("parquet", what)
    try:
        import pyarrow.parquet  # noqa: F401 - asked here, so that its absence is one sentence
    except ImportError:
        raise UserError(
            "--format parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`"
        ) from None
    import pandas as pd

    frame = pd.DataFrame(_lines(run, what, k), columns=list(COLUMNS[what]))
    for name in ("user", "item", "positive", "negative"):
        if name in frame and frame[name].map(type).nunique() > 1:
            frame[name] = frame[name].astype(str)  # data sets with ids of different kinds
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue(), len(frame)


def _lines(run: Path, what: str, k: int | None) -> Iterator[Line]:
    return negatives(run) if what == "negatives" else recommendations(run, k)


def _known(form: str, what: str) -> None:
    known = FORMATS[what]
    if form not in known:
        names = f"{', '.join(known[:-1])} or {known[-1]}"
        near = did_you_mean(form, list(known))
        raise UserError(f"--format must be {names}; got {form!r}; {near}")


def _logged(path: Path) -> dict[str, list[Any]]:
    with intact_file(path), np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name].tolist() for name in FIELDS}


def _log_damage(damage: object) -> None:
    logger.warning("negbench: left out: %s", damage)


def finished_cells(run: Path, k: int | None = None) -> list[Cell]:
    """The finished cells of a run, which keep lists of `k` items.

    Raises NothingToReport if there are none, UserError if one has shorter lists.
    """
    readable, damaged = cell_store.read_cells(run)
    for sentence in damaged:
        _log_damage(sentence)
    cells = [cell for cell in readable if cell.done]
    if not cells:
        raise NothingToReport(f"an export needs finished cells; {run} has none; run it first")
    _log_shared_ids(run, cells)
    for cell in cells if k is not None else ():
        with suppress(Damaged):  # logged where it is left out
            _top(cell, k)
    return cells


def _log_shared_ids(run: Path, cells: list[Cell]) -> None:
    """Log the data sets that share one table of ids, as older versions wrote it."""
    names: dict[str, set[str]] = {}
    for cell in cells:
        checksum, name = cell.record["data"]["checksum"], cell.spec["dataset"]
        if not _ids_path(run, name, checksum).exists():
            names.setdefault(checksum, set()).add(name)
    for sharing in (sorted(each) for each in names.values() if len(each) > 1):
        logger.warning(
            "negbench: %s share one table of ids in %s, written by an older version: the ids of "
            "all but one may be another file's; run it again to renew them",
            " and ".join(sharing),
            run,
        )


def _ids(run: Path, cell: Cell) -> dict[str, list[Any]]:
    return read_ids(run, cell.spec["dataset"], cell.record["data"]["checksum"])


def _start(cell: Cell) -> Line:
    return {name: cell.spec[name] for name in ROW}


def _ids_path(run: Path, dataset: str, checksum: str) -> Path:
    name = hashlib.sha256(dataset.encode(errors="surrogatepass")).hexdigest()[:8]
    return run / "ids" / f"{checksum[:12]}-{name}.json"


def _content_of(path: Path) -> str:
    """The content checksum of a kept table, empty where there is none."""
    try:
        return str(json.loads(path.read_text("utf-8"))["content"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
