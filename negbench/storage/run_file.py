"""`run.json`: how a run was started, and each time that it was gone on with.

    command, started, negbench   the first command, when it began, and the version
    options                      what was asked for then: what is not named there had its default
    experiment                   the same with every default, so that later defaults change nothing
    cells, skipped               what was planned, and what could not be
    configs                      the settings in full of each backbone, method and reference
    resumes                      the later commands: command, started, negbench, and the options in
                                 which they differ from `experiment`; cells that they plan anew

The first command stays. The file is replaced as a whole, so of two commands that start in one
moment the later writer's list stays. Folders of older versions have no `experiment` and no
`resumes`, and hold their last command.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.storage.atomic_write import aside, link_new, write_json

NAME = "run.json"
ENTRY = ("dataset", "backbone", "backbone_variant", "method", "variant", "seed")
"""What an entry of `cells` says beside `cell`, the name of its folder, and maybe `settings`."""
HOW = tuple(
    "out name overwrite shard jobs threads engine scheduler workers checkpoint_every track".split()
)
"""Options that say how cells are worked through, and not which."""
_EARLIER = {"train.epochs": 100, "train.patience": 5}
"""Defaults that have changed since `experiment` is kept: a run goes on as it was started."""


def read(run: Path) -> dict[str, Any]:
    """The content of a folder's run.json.

    Raises UserError if there is none that can be read.
    """
    try:
        info = json.loads((run / NAME).read_text("utf-8"))
        if not isinstance(info["options"], dict):
            raise TypeError("its options are no table")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"a run to go on with must hold run.json; {run} does not ({error}); "
            "give the folder that `negbench run` named"
        ) from error
    return dict(info)


def add_start(run: Path, start: Mapping[str, Any]) -> None:
    """Write down a start: the first as it is, a later one below it."""
    path = run / NAME
    try:
        before = read(run)
    except UserError:
        if not path.exists() and _created(path, start):
            return
        try:  # another process was first
            before = read(run)
        except UserError:  # the file is damaged
            write_json(path, start)
            return
    known = {entry["cell"] for entry in planned(before)}
    new = [entry for entry in start["cells"] if entry["cell"] not in known]
    first, now = _experiment(before), start["experiment"]
    differ = {k: now.get(k) for k in {**first, **now} if first.get(k) != now.get(k)}
    later = {name: start[name] for name in ("command", "started", "negbench")}
    later |= {"options": differ} | ({"cells": new} if new else {})
    kept = {**before, "resumes": [*_resumes(before), later]}
    kept["skipped"] = list(dict.fromkeys([*(before.get("skipped") or ()), *start["skipped"]]))
    configs = before.get("configs") or {}
    kept["configs"] = {
        kind: {**(configs.get(kind) or {}), **each} for kind, each in start["configs"].items()
    }
    write_json(path, kept)


def planned(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The planned cells of all commands; the latest, where settings of one row and seed changed.

    Whatever else stands in their place is passed over.
    """
    cells: dict[tuple[Any, ...], dict[str, Any]] = {}
    for start in (info, *_resumes(info)):
        listed = start.get("cells")
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and {"cell", *ENTRY} <= entry.keys():
                settings = str(entry.get("settings", ""))
                cells[(*(str(entry[name]) for name in ENTRY), settings)] = entry
    return list(cells.values())


def experiments(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was asked for in this folder, with every default: flat options, one set an experiment.

    Commands that differ only in how cells are worked through are one; the last one counts.
    """
    first = _experiment(info)
    by_content: dict[str, dict[str, Any]] = {}
    for later in (info, *_resumes(info)):
        differ = later.get("options") if later is not info else {}
        asked = {**first, **(differ if isinstance(differ, Mapping) else {})}
        content = {name: value for name, value in asked.items() if name not in HOW}
        by_content.pop(key := json.dumps(content, sort_keys=True), None)
        by_content[key] = asked
    return list(by_content.values())


def commands(info: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The first start and the later ones, each with command, started and negbench."""
    yield info
    yield from _resumes(info)


def _experiment(info: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(experiment := info.get("experiment"), Mapping):
        return dict(experiment)
    options = info.get("options")
    return {**_EARLIER, **options} if isinstance(options, Mapping) else {}


def _resumes(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    value = info.get("resumes")
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _created(path: Path, start: Mapping[str, Any]) -> bool:
    """Make the file whole and at once, unless another process was first."""
    temporary = aside(path)
    write_json(temporary, start)
    try:
        return link_new(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
