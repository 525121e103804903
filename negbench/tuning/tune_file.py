"""`tune.json`: what a search was asked for, so that it can be gone on with.

format, starts    each different command: command, options, protocol, ranges (of a space file)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.experiment.options.options import Options, build
from negbench.storage.atomic_write import write_json
from negbench.storage.run_file import HOW
from negbench.storage.search_store import ASKED
from negbench.tuning.protocol import Protocol
from negbench.tuning.space import Ranges


def add_start(
    out: Path, command: str, options: Options, protocol: Protocol, own: Ranges, splits: int
) -> None:
    """Write down a start; one that asks for the same as an earlier one takes its place.

    Raises UserError for a folder that cannot be written to.
    """
    asked = {**asdict(protocol), "splits": splits}
    start = {"command": command, "options": options.as_flat(), "protocol": asked, "ranges": own}
    earlier = starts(out) if is_search(out) else []
    kept = [each for each in earlier if _content(each) != _content(start)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / ASKED, {"format": 1, "starts": [*kept, start]})
    except OSError as error:
        raise UserError(f"--out must be a folder that can be written; {out}: {error}") from error


def is_search(out: Path) -> bool:
    """Whether a folder is one of `negbench tune`."""
    return (out / ASKED).is_file()


def starts(out: Path) -> list[dict[str, Any]]:
    """The starts of a folder.

    Raises UserError for a tune.json that is damaged.
    """
    try:
        listed = json.loads((out / ASKED).read_text("utf-8"))["starts"]
        if not listed:
            raise ValueError("it holds no start")
        return [{**each, "options": dict(each["options"])} for each in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{out / ASKED} must be whole; it is not ({error}); remove it and start "
            "`negbench tune` again with the same options: its cells are kept"
        ) from error


def asked_of(start: Mapping[str, Any]) -> tuple[Options, Protocol, Ranges, int]:
    """The options, the protocol, the ranges and the number of splits of a start.

    Raises UserError for one that another version wrote, or that is damaged.
    """
    try:
        numbers = dict(start["protocol"])
        splits = int(numbers.pop("splits", 1))
        protocol, own = Protocol(**numbers), dict(start["ranges"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"a start in {ASKED} must be of this version; it is not ({error}); remove the file and "
            "start `negbench tune` again with the same options: its cells are kept"
        ) from error
    return build(start["options"]), protocol, own, splits


def _content(start: Mapping[str, Any]) -> str:
    given = start["options"].items()  # each shard is a start
    options = {name: value for name, value in given if name == "shard" or name not in HOW}
    what: Sequence[Any] = [options, start["protocol"], start["ranges"]]
    return json.dumps(what, sort_keys=True, default=str)
