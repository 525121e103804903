"""The searches that ship with the package: of each row what a run needs, one line a row.

format, source     how they were made
protocols          by hash: what the rows of a data set share
ranges             by hash: what the methods of a backbone share of the space
searches           dataset, backbone, row, hash, ranges_hash, trials (their number), winner
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from negbench.storage.atomic_write import write_text
from negbench.storage.search_store import Search

_ROW = ("dataset", "backbone", "row", "hash", "ranges_hash")


def read_embedded() -> tuple[Search, ...]:
    """The searches, as those of a folder: their trials are known by number alone."""
    text = files("negbench.tuning").joinpath("embedded.json").read_text("utf-8")
    return unpack(json.loads(text))


def unpack(content: dict[str, Any]) -> tuple[Search, ...]:
    """The searches of a file's content."""
    return tuple(
        {
            **each,
            "protocol": content["protocols"][each["hash"]],
            "ranges": content["ranges"].get(each["ranges_hash"], {}),
            "trials": [{"status": "done"}] * each["trials"],
            "space": [],
            "finalists": [],
        }
        for each in content["searches"]
    )


def write_embedded(path: Path, searches: Sequence[Search], source: str) -> None:
    """Write the file from searches that have a winner; others are left out."""
    rows = [each for each in searches if each["winner"] is not None]
    head = {
        "format": 1,
        "source": source,
        "protocols": {each["hash"]: each["protocol"] for each in rows},
        "ranges": {each["ranges_hash"]: each["ranges"] for each in rows if each["ranges_hash"]},
    }
    lines = [
        json.dumps(
            {name: each[name] for name in _ROW}
            | {"trials": len(each["trials"]), "winner": each["winner"]}
        )
        for each in rows
    ]
    text = json.dumps(head, indent=1)[:-2] + ',\n "searches": [\n  ' + ",\n  ".join(lines)
    write_text(path, text + "\n ]\n}\n")
