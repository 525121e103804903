"""Amazon Tools in the split of AHNS: 16,638 users, 10,217 items, 134,476 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `data/tool` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.adjacency_lists import read_split_lists
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Tools (AHNS split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Riwei-HEU/AHNS",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="16,638 x 10,217; 134,476",
)

RAW = "https://raw.githubusercontent.com/Riwei-HEU/AHNS"
PINNED = "735b0a75ccedbac6b0578fcc5830bebd3a7e88ac"
CHECKSUMS = {
    "train.txt": "sha256:f59f810f2aaafe20814d9f16ff193bd571dfe3c4706fd29cf5352cc419c045bb",
    "test.txt": "sha256:3ba5f318520b55790e9e44a55e8dfb996328bc682a5fbb49f9a8a97a34fbc879",
}
FILES = DatasetFiles(
    folders=("ahns/tool", "AHNS/data/tool", "data/tool"),
    files=("train.txt", "test.txt"),
    downloads=tuple(
        Download(name, (f"{RAW}/{PINNED}/data/tool/{name}",), checksum)
        for name, checksum in CHECKSUMS.items()
    ),
    checksums=CHECKSUMS,
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """No parameters."""


def load(config: Config, cache: FileCache) -> Interactions:
    """All pairs of both files, with their part."""
    del config
    return read_split_lists(cache.find(FILES), name="ahns_tool", source=CARD.link)
