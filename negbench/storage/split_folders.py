"""A run that is repeated over splits: RUN/split-1, RUN/split-2, ..., each a run folder of its own.

RUN holds no cells then. Opening it opens its split folders as one run, in which every cell knows
its `partition`: the number of its split. Nothing else of a folder's name means anything.
"""

import re
from collections.abc import Sequence
from pathlib import Path

_NAME = re.compile(r"split-([1-9]\d*)")


def split_folder(run: Path, number: int) -> Path:
    """Where the split of this number is kept, from 1 on."""
    return run / f"split-{number}"


def is_split_folder(folder: Path) -> bool:
    """Whether a folder is called as one of a run's splits."""
    return bool(_number(folder))


def split_folders(run: Path) -> tuple[Path, ...]:
    """The split folders of a run by number; empty where it has cells of its own, or no splits."""
    if (run / "cells").exists():
        return ()
    numbered = {number: each for each in _entries(run) if (number := _number(each))}
    return tuple(numbered[number] for number in sorted(numbered))


def expanded(folders: Sequence[Path]) -> list[Path]:
    """The folders, with the split folders of a run in its place."""
    return [each for folder in folders for each in split_folders(folder) or (folder,)]


def partitions(folders: Sequence[Path]) -> list[int]:
    """The number of each folder's split; all 0 where they are not all split folders of two splits.

    So one split folder by itself, or beside a folder of another name, is an ordinary run.
    """
    numbers = [_number(folder.resolve()) for folder in folders]
    return numbers if len(set(numbers)) > 1 and 0 not in numbers else [0] * len(numbers)


def _number(folder: Path) -> int:
    match = _NAME.fullmatch(folder.name)
    return int(match[1]) if match else 0


def _entries(run: Path) -> list[Path]:
    try:
        return [each for each in run.iterdir() if each.is_dir()]
    except OSError:
        return []
