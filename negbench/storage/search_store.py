"""Searches on disk: one JSON file a row (data set, backbone, method) in RUN/searches.

    format, dataset, backbone, row   the row, as it was typed; backbone "reference" for references
    protocol, hash                   what all rows of a data set share, and its hash, twelve digits
    ranges, ranges_hash              what all methods of a backbone share of the space, in words
    code                             hashes of the plug-ins' source, where the row names any
    test_seeds                       the seeds of the final cells
    space                            the parameters: owner, name, kind, values, zero
    trials                           word, settings, cell (a folder of RUN/trials/cells), status,
                                     valid, and for curves alone: best_epoch, epochs, test,
                                     cpu_seconds, seconds, dots, and earlier: the costs at earlier
                                     rungs; trial 0 is the published default
    rungs                            of successive halving: epochs, trials, valid, correlation
    finalists, winner                trial and validation values by seed; None while undecided
    outcomes                         the same of the other cells: seeds of finalists, earlier rungs

A file is derived from the cells, and the cells may be deleted: a search goes on from either.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.storage.atomic_write import write_json
from negbench.storage.split_folders import is_split_folder

FOLDER = "searches"
ASKED = "tune.json"
"""The file in a search's folder of what it was asked for."""
TRIALS = "trials"
"""The run folder inside a search's folder that holds the cells of trials and finalists."""
FORMAT = 1
TRUSTED = 0.7
"""Below this rank correlation of a rung with the end, halving is not to be trusted for a row."""
EMBEDDED = "embedded"
"""The word for the searches that ship with the package."""
Search = Mapping[str, Any]
_KEYS = {"dataset", "backbone", "row", "protocol", "hash", "space", "trials", "finalists", "winner"}


def protocol_hash(protocol: Mapping[str, Any]) -> str:
    """Hash of what the rows of one search share, twelve hex digits."""
    text = json.dumps(protocol, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def path_of(run: Path, dataset: str, backbone: str, row: str) -> Path:
    """The file of a row's search."""
    key = "\n".join((dataset, backbone, row))
    words = re.sub(r"[^A-Za-z0-9_.-]+", "-", key).strip("-")[:60]
    return run / FOLDER / f"{words}-{hashlib.sha256(key.encode()).hexdigest()[:6]}.json"


def whole_search(run: Path) -> Path:
    """The folder to go on with: of trials, or of a split of a search, the search's; else `run`."""
    inner = run.resolve()
    inner = inner.parent if inner.name == TRIALS else inner
    around = [inner, *([inner.parent] if is_split_folder(inner) else [])]
    whole = next((each for each in around if (each / ASKED).is_file()), run)
    return run if whole in (run, run.resolve()) else whole


def read_search(path: Path) -> Search | None:
    """One search; None where there is no such file.

    Raises UserError for a file that is damaged or of another format.
    """
    return _read(path) if path.exists() else None


def write_search(run: Path, search: Search) -> Path:
    """Write a row's search atomically; an older one of the same row is replaced."""
    path = path_of(run, *(str(search[name]) for name in ("dataset", "backbone", "row")))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"format": FORMAT, **search})
    return path


def read_searches(source: str | Path) -> tuple[Search, ...]:
    """The searches of a run folder, sorted by data set, backbone and row, or the embedded ones.

    Empty for a folder without any.

    Raises UserError for a file that is damaged or of another format.
    """
    if source == EMBEDDED:  # a folder of that name is given as a path
        from negbench.storage.embedded_searches import read_embedded  # which reads as this does

        return read_embedded()
    each = map(_read, sorted((Path(source) / FOLDER).glob("*.json")))
    return tuple(sorted(each, key=lambda s: (s["dataset"], s["backbone"], s["row"])))


def _read(path: Path) -> Search:
    try:
        search = json.loads(path.read_text("utf-8"))
        if not isinstance(search, dict) or search.get("format") != FORMAT or _KEYS - search.keys():
            raise ValueError("it is of another format")
    except (OSError, ValueError) as error:
        raise UserError(
            f"a search must be whole; {path} is not ({error}); remove it and tune again"
        ) from error
    return search


def search_mark(search: Search) -> dict[str, Any]:
    """What the cells of a tuned row keep of its search, as part of what they are.

    Rows of one data set compare where `protocol` is the same, and methods of one backbone where
    `ranges` is too.
    """
    return {
        "row": search["row"],
        "protocol": search["hash"],
        "ranges": search["ranges_hash"],
        "trials": len(search["trials"]),
    }
