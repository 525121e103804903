"""Exports recommended lists and logged negatives, with the user and item ids of the data.

A run keeps the ids of each data set once, RUN/ids/<checksum>.json; cells hold indices.
"""

import csv
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
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
    """Write the ids and names of a data set beside its cells, once."""
    path = _ids_path(run, data.checksum)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    users, items = data.user_ids, data.item_ids
    ids = {
        "users": list(range(data.n_users)) if users is None else users.tolist(),
        "items": list(range(data.n_items)) if items is None else items.tolist(),
        "names": list(data.item_names or ()),
    }
    write_json(path, ids)


def read_ids(run: Path, checksum: str) -> dict[str, list[Any]]:
    """The user ids, item ids and item names of a data set. Raises UserError if they are missing."""
    path = _ids_path(run, checksum)
    try:
        content: dict[str, list[Any]] = json.loads(path.read_text("utf-8"))
        return {name: content[name] for name in ("users", "items", "names")}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"exports need the ids that a run keeps; {path} cannot be read ({error}); run again"
        ) from error


def recommendations(run: Path) -> Iterator[Line]:
    """The lists of every finished cell, a row for each user and rank; damaged cells are logged."""
    for cell in _done(run):
        ids, start = _ids(run, cell), _start(cell)
        try:
            arrays = cell.arrays("users", "top")
        except Damaged as damage:
            _log_damage(damage)
            continue
        for user, top in zip(arrays["users"].tolist(), arrays["top"].tolist(), strict=True):
            for rank, item in enumerate((item for item in top if item >= 0), 1):
                name = ids["names"][item] if ids["names"] else ""
                yield start | {
                    "user": ids["users"][user],
                    "rank": rank,
                    "item": ids["items"][item],
                    "name": name,
                }


def negatives(run: Path) -> Iterator[Line]:
    """The logged negatives of each cell, a row each, in the order of training.

    Raises NothingToReport if no cell logged any.
    """
    logged = [cell for cell in _done(run) if (cell.folder / "negatives.npz").exists()]
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


LINES: Mapping[str, Callable[[Path], Iterator[Line]]] = {
    "recs": recommendations,
    "negatives": negatives,
}


def write(run: Path, into: TextIO, form: str = "csv", what: str = "recs") -> int:
    """Write all rows of `what` as csv, or lists as a TREC run (score = 1 / rank); their number."""
    _known(form, what)
    n = 0
    writer = csv.DictWriter(into, COLUMNS[what], lineterminator="\n")
    for n, row in enumerate(LINES[what](run), 1):
        if form == "trec":
            tag = "-".join(str(row[name]) for name in ROW if row[name] != "")
            user, item, rank = _token(row["user"]), _token(row["item"]), row["rank"]
            into.write(f"{user} Q0 {item} {rank} {1 / rank:.6f} {_token(tag)}\n")
            continue
        if n == 1:
            writer.writeheader()
        writer.writerow(row)
    return n


def parquet(run: Path, what: str = "recs") -> tuple[bytes, int]:
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

    frame = pd.DataFrame(LINES[what](run), columns=list(COLUMNS[what]))
    for name in ("user", "item", "positive", "negative"):
        if name in frame and frame[name].map(type).nunique() > 1:
            frame[name] = frame[name].astype(str)  # data sets with ids of different kinds
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue(), len(frame)


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


def _done(run: Path) -> list[Cell]:
    readable, damaged = cell_store.read_cells(run)
    for sentence in damaged:
        _log_damage(sentence)
    cells = [cell for cell in readable if cell.done]
    if not cells:
        raise NothingToReport(f"an export needs finished cells; {run} has none; run it first")
    return cells


def _ids(run: Path, cell: Cell) -> dict[str, list[Any]]:
    return read_ids(run, cell.record["data"]["checksum"])


def _start(cell: Cell) -> Line:
    return {name: cell.spec[name] for name in ROW}


def _token(text: Any) -> str:
    """One word: TREC separates columns by blanks."""
    return "%20".join(str(text).split(" "))


def _ids_path(run: Path, checksum: str) -> Path:
    return run / "ids" / f"{checksum[:12]}.json"
