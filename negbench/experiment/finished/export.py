"""What a run holds for other programs: lists and logged negatives, with the ids of the file.

A run keeps the ids of each data set once, RUN/ids/<checksum>.json; cells hold numbers.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from negbench.data.interactions import Interactions
from negbench.errors import NothingToReport, UserError, did_you_mean
from negbench.storage import cell_store
from negbench.storage.atomic_write import write_json
from negbench.storage.cell_store import Cell
from negbench.storage.integrity import Damaged, whole_file

ROW = cell_store.COLUMNS[:5]
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "recs": (*ROW, "user", "rank", "item", "name"),
    "negatives": (*ROW, "epoch", "user", "positive", "negative", "s_positive", "s_negative"),
}
"""What can be written, and the columns of each."""
FORMATS: Mapping[str, tuple[str, ...]] = {
    "recs": ("csv", "parquet", "trec"),
    "negatives": ("csv", "parquet"),
}
FIELDS = ("user", "positive", "negative", "s_positive", "s_negative", "epoch")
Line = dict[str, Any]
Tell = Callable[[str], None]


def silent(sentence: str) -> None:
    """Says nothing."""
    del sentence


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
    """The ids of a data set; without them there is nothing to restore."""
    path = _ids_path(run, checksum)
    try:
        found: dict[str, list[Any]] = json.loads(path.read_text("utf-8"))
        return {name: found[name] for name in ("users", "items", "names")}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"exports need the ids that a run keeps; {path} cannot be read ({error}); run again"
        ) from error


def recommendations(run: Path, tell: Tell = silent) -> Iterator[Line]:
    """Every finished cell's lists, a row for each user and rank; `tell` hears what is damaged."""
    for cell in _done(run, tell):
        ids, start = _ids(run, cell), _start(cell)
        try:
            arrays = cell.arrays("users", "top")
        except Damaged as damage:
            tell(str(damage))
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


def negatives(run: Path, tell: Tell = silent) -> Iterator[Line]:
    """The negatives that each cell kept while it trained, a row each, in the order of training."""
    logged = [cell for cell in _done(run, tell) if (cell.folder / "negatives.npz").exists()]
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
            tell(str(damage))
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


LINES: Mapping[str, Callable[[Path, Tell], Iterator[Line]]] = {
    "recs": recommendations,
    "negatives": negatives,
}


def write(
    run: Path, into: TextIO, form: str = "csv", what: str = "recs", tell: Tell = silent
) -> int:
    """Write all of `what` as csv, or lists as a TREC run (score = 1 / rank); the number of rows."""
    _known(form, what)
    n = 0
    writer = csv.DictWriter(into, COLUMNS[what], lineterminator="\n")
    for n, row in enumerate(LINES[what](run, tell), 1):
        if form == "trec":
            tag = "-".join(str(row[name]) for name in ROW if row[name] != "")
            user, item, rank = _token(row["user"]), _token(row["item"]), row["rank"]
            into.write(f"{user} Q0 {item} {rank} {1 / rank:.6f} {_token(tag)}\n")
            continue
        if n == 1:
            writer.writeheader()
        writer.writerow(row)
    return n


def parquet(run: Path, what: str = "recs", tell: Tell = silent) -> tuple[bytes, int]:
    """All of `what` as the content of a parquet file, and the number of rows."""
    _known("parquet", what)
    try:
        import pyarrow.parquet  # noqa: F401 - asked here, so that its absence is one sentence
    except ImportError:
        raise UserError(
            "--format parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`"
        ) from None
    import pandas as pd

    frame = pd.DataFrame(LINES[what](run, tell), columns=list(COLUMNS[what]))
    for name in ("user", "item", "positive", "negative"):
        if name in frame and frame[name].map(type).nunique() > 1:
            frame[name] = frame[name].astype(str)  # data sets with ids of different kinds
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue(), len(frame)


def _known(form: str, what: str) -> None:
    known = FORMATS[what]
    if form not in known:
        said = f"{', '.join(known[:-1])} or {known[-1]}"
        raise UserError(f"--format must be {said}; got {form!r}; {did_you_mean(form, list(known))}")


def _logged(path: Path) -> dict[str, list[Any]]:
    with whole_file(path), np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name].tolist() for name in FIELDS}


def _done(run: Path, tell: Tell) -> list[Cell]:
    found, damaged = cell_store.read_cells(run)
    for sentence in damaged:
        tell(sentence)
    cells = [cell for cell in found if cell.done]
    if not cells:
        raise NothingToReport(f"an export needs finished cells; {run} has none; run it first")
    return cells


def _ids(run: Path, cell: Cell) -> dict[str, list[Any]]:
    return read_ids(run, cell.record["data"]["checksum"])


def _start(cell: Cell) -> Line:
    return {name: cell.spec[name] for name in ROW}


def _token(text: Any) -> str:
    """One word: TREC's columns are parted by blanks."""
    return "%20".join(str(text).split(" "))


def _ids_path(run: Path, checksum: str) -> Path:
    return run / "ids" / f"{checksum[:12]}.json"
