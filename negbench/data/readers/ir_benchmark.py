"""IR-Benchmark's splits: `train.tsv` and `test.tsv` with the header `user_procid item_procid`.

They lie in the authors' repository of data, an archive `proc.zip` a set; a data set names its
folder there and gets its `load` here. The valid part is not in the files: the benchmark draws
max(1, floor(n / 10)) of each user's n train pairs with Python's own `random`, in the order of the
users, right after the seed 2024 + `fold`, and so do we: its valid part pair by pair.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.fold_in import TEST, TRAIN, VALID
from negbench.data.interactions import Interactions
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import first_of_each_pair
from negbench.data.shared_pairs import notes_of_dropped
from negbench.errors import DataError
from negbench.plugins.config_ranges import check_ranges

REPOSITORY = "https://raw.githubusercontent.com/Tiny-Snow/IR-Benchmark-Dataset"
PINNED = "18bbbe892301c6013579ae70f3cab9d666878e23"
SEED = 2024
"""Of the benchmark's draw of the valid part, plus the fold."""
TENTH = 0.1
COLUMNS: dict[str, Kind] = {"user": "whole", "item": "whole"}
HEADER = ("user_procid", "item_procid")
LARGEST = 10_000_000
"""Ids count from 0 and size the tables: a larger one is no id of such a file."""


@dataclass(frozen=True)
class Fold:
    """Which draw of the valid part."""

    fold: int = 0
    """0 or more: the valid part is drawn after the seed 2024 + fold; 0 is the published one."""

    def __post_init__(self) -> None:
        """Check the range. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"fold": 0})


def ir_files(
    folder: str,
    blob: str = "",
    *,
    terms: str,
    tables: tuple[str, str] | None = None,
    commit: str = PINNED,
    home: str = "data_iid",
) -> DatasetFiles:
    """The files of a folder in `home` of the repository at a commit, packed as one archive.

    `blob` is the git blob id of the archive and `tables` the SHA-256 of train.tsv and test.tsv,
    where they are known; without either, files at hand are noted as not verified.
    """
    archive = Download(
        f"{folder}-proc.zip",
        (f"{REPOSITORY}/{commit}/{home}/{folder}/proc.zip",),
        f"git:{blob}" if blob else "",
    )
    names = ("train.tsv", "test.tsv")
    known = dict(zip(names, tables or (), strict=False))
    return DatasetFiles(
        folders=(
            f"ir-benchmark/{folder}",
            folder,
            f"{home}/{folder}/proc",
            f"IR-Benchmark-Dataset/{home}/{folder}/proc",
        ),
        files=names,
        downloads=(archive,),
        checksums={name: f"sha256:{digits}" for name, digits in known.items()},
        terms=terms,
    )


def ir_loader(
    files: DatasetFiles, *, name: str, link: str
) -> Callable[[Fold, FileCache], Interactions]:
    """The `load` of one data set: its own split, and the benchmark's valid part.

    Raises DataError in `load` for a file that is empty or not in this layout.
    """

    def load(config: Fold, cache: FileCache) -> Interactions:
        """All pairs of both files, with their part."""
        local = cache.find(files)
        train, test = (_pairs(local[each]) for each in files.files)
        users, items = (np.concatenate(each) for each in zip(train, test, strict=True))
        part = np.repeat(np.array([TRAIN, TEST], np.int8), [len(train[0]), len(test[0])])
        part[: len(train[0])][drawn_for_valid(train[0], SEED + config.fold)] = VALID
        n_items = int(items.max()) + 1
        first = first_of_each_pair(users, items, n_items, None)
        both = np.where(part == VALID, TRAIN, part)
        dropped = notes_of_dropped(users * n_items + items, first, "first", both, noun="pairs")
        return Interactions(
            name=name,
            users=users[first],
            items=items[first],
            n_users=int(users.max()) + 1,
            n_items=n_items,
            part=part[first],
            source=link,
            notes=(
                *local.notes,
                "train and test are the authors'; valid is a tenth of each user's train pairs, as"
                f" their code draws it after the seed {SEED + config.fold}",
                *dropped,
            ),
        )

    return load


def drawn_for_valid(users: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The places of the train pairs that the benchmark draws: max(1, floor(n / 10)) of a user's n.

    A user with one pair keeps it: there the benchmark would leave none to train on.
    """
    order = np.argsort(users, kind="stable")
    _, counts = np.unique(users, return_counts=True)
    source, chosen = random.Random(seed), []
    for places in np.split(order, np.cumsum(counts)[:-1]):
        size = max(1, int(len(places) * TENTH))
        drawn = source.sample(places.tolist(), size)
        chosen += drawn if len(places) > 1 else []
    return np.array(sorted(chosen), np.int64)


def _pairs(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Users and items [n] of a table, whose ids count from 0."""
    frame: pd.DataFrame = read_columns(path, COLUMNS, separator="\t", header=HEADER)
    users, items = frame["user"].to_numpy(np.int64), frame["item"].to_numpy(np.int64)
    if not len(users):
        raise DataError(f"{path} must hold a pair a line; it holds none")
    if min(users.min(), items.min()) < 0 or max(users.max(), items.max()) > LARGEST:
        raise DataError(f"{path}: ids must count from 0; the file is not in the official layout")
    return users, items
