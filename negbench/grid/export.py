"""What was recommended, with the users' and items' own ids as their file had them.

A run keeps the ids of each data set once, RUN/ids/<checksum>.json; cells hold numbers.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from negbench import records
from negbench.errors import NothingToReport, UserError
from negbench.interactions import Interactions
from negbench.registry import nearest

COLUMNS = (*records.COLUMNS[:5], "user", "rank", "item", "name")


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
    records.write_json(path, ids)


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


def recommendations(run: Path) -> Iterator[dict[str, Any]]:
    """Every finished cell's lists, a row for each user and rank."""
    cells = [cell for cell in records.read_cells(run)[0] if cell.done]
    if not cells:
        raise NothingToReport(f"an export needs finished cells; {run} has none; run it first")
    for cell in cells:
        ids = read_ids(run, cell.record["data"]["checksum"])
        start = {name: cell.spec[name] for name in records.COLUMNS[:5]}
        arrays = cell.users()
        for user, top in zip(arrays["users"].tolist(), arrays["top"].tolist(), strict=True):
            for rank, item in enumerate((item for item in top if item >= 0), 1):
                name = ids["names"][item] if ids["names"] else ""
                yield start | {
                    "user": ids["users"][user],
                    "rank": rank,
                    "item": ids["items"][item],
                    "name": name,
                }


def write(run: Path, into: TextIO, form: str = "csv") -> int:
    """Write all recommendations as csv, or as a TREC run (score = 1 / rank); the number of rows."""
    if form not in ("csv", "trec"):
        what = nearest(form, ["csv", "trec"])
        raise UserError(f"--format must be csv or trec; got {form!r}; {what}")
    n = 0
    writer = csv.DictWriter(into, COLUMNS, lineterminator="\n")
    for n, row in enumerate(recommendations(run), 1):
        if form == "trec":
            tag = "-".join(str(row[name]) for name in records.COLUMNS[:5] if row[name] != "")
            user, item, rank = _token(row["user"]), _token(row["item"]), row["rank"]
            into.write(f"{user} Q0 {item} {rank} {1 / rank:.6f} {_token(tag)}\n")
            continue
        if n == 1:
            writer.writeheader()
        writer.writerow(row)
    return n


def _token(text: Any) -> str:
    """One word: TREC's columns are parted by blanks."""
    return "%20".join(str(text).split(" "))


def _ids_path(run: Path, checksum: str) -> Path:
    return run / "ids" / f"{checksum[:12]}.json"
