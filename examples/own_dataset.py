"""Songs that people play again: a pair counts where it was played `min_plays` times or more.

Layout: `plays.tsv`, a line a pair: user, song, plays, time of the first play in seconds; no header.
A plain file needs no plug-in (`negbench run -d my.csv`); write one where a rule of yours makes the
pairs, or where the file comes from the network.

    negbench run --plugin examples/own_dataset.py --data-dir FOLDER -d own_dataset -m random,dns
"""

from dataclasses import dataclass

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.reindex import reindex
from negbench.protocol import Card

CARD = Card(title="Songs played again", family="implicit", provides=("order",), provenance="ours")
FILES = DatasetFiles(folders=("plays",), files=("plays.tsv",))
"""`downloads=(Download(name, urls, checksum, size),)` would fetch it, as in datasets/coat.py."""


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_plays: int = 2
    """Least number of plays, 1 or more."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Read the file from --data-dir; users and songs are numbered by first appearance."""
    path = cache.find(FILES)["plays.tsv"]
    table = pd.read_csv(
        path, sep="\t", names=["user", "song", "plays", "time"], dtype={"song": str}
    )
    rows = RawRows(
        users=raw_ids(table["user"]),
        items=raw_ids(table["song"]),
        times=table["time"].to_numpy(float),
        ratings=table["plays"].to_numpy(float),
    )
    return reindex(rows, name="own_dataset", min_rating=config.min_plays)
