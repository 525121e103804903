"""The ids of a run's data sets, which exports and explanations need: kept, and read again.

Cells hold indices. A run keeps the ids and names of each data set beside them, as they were when it
was last run: RUN/ids/<checksum>-<hash of its name>.json, for two files of other ids may hold the
same pairs. Folders of older versions have RUN/ids/<checksum>.json, which is read where the other is
missing.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from negbench.data.interactions import Interactions
from negbench.errors import UserError
from negbench.storage.atomic_write import write_json

logger = logging.getLogger(__name__)


def keep_ids(run: Path, data: Interactions) -> None:
    """Write the ids and names of a data set beside its cells, and again where they have changed."""
    path = ids_path(run, data.name, data.checksum)
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
    path = ids_path(run, dataset, checksum)
    older = run / "ids" / f"{checksum[:12]}.json"
    path = older if older.exists() and not path.exists() else path
    try:
        content: dict[str, list[Any]] = json.loads(path.read_text("utf-8"))
        return {name: content[name] for name in ("users", "items", "names")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"exports need the ids that a run keeps; {path} cannot be read ({error}); run again"
        ) from error


def ids_path(run: Path, dataset: str, checksum: str) -> Path:
    """Where a run keeps the ids of a data set."""
    name = hashlib.sha256(dataset.encode(errors="surrogatepass")).hexdigest()[:8]
    return run / "ids" / f"{checksum[:12]}-{name}.json"


def _content_of(path: Path) -> str:
    """The content checksum of a kept table, empty where there is none."""
    try:
        return str(json.loads(path.read_text("utf-8"))["content"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
