"""Amazon Sports in the split of AHNS: 35,598 users, 18,357 items, 296,337 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `data/sport` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.adjacency_lists import read_split_lists
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Sports (AHNS split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Riwei-HEU/AHNS",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="35,598 x 18,357; 296,337",
)

RAW = "https://raw.githubusercontent.com/Riwei-HEU/AHNS"
PINNED = "735b0a75ccedbac6b0578fcc5830bebd3a7e88ac"
CHECKSUMS = {
    "train.txt": "sha256:446ff26e2a5c0ca7556bcc2ebf5275177ccba92c49cb63905de850e0085a6c37",
    "test.txt": "sha256:36456558a5cfb709893203e964e7fa8f1f284f6c9735eb05f8f6d71d267c3978",
}
FILES = DatasetFiles(
    folders=("ahns/sport", "AHNS/data/sport", "data/sport"),
    files=("train.txt", "test.txt"),
    downloads=tuple(
        Download(name, (f"{RAW}/{PINNED}/data/sport/{name}",), checksum)
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
    return read_split_lists(cache.find(FILES), name="ahns_sport", source=CARD.link)
