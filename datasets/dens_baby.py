"""Amazon Baby in the split of DENS: 4,314 users, 5,854 items, 42,657 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `DENS/data/baby` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.adjacency_lists import read_split_lists
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Baby (DENS split)",
    family="lists",
    authors="",
    year=2023,
    venue="",
    link="https://github.com/Riwei-HEU/DENS",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="4,314 x 5,854; 42,657",
)

RAW = "https://raw.githubusercontent.com/Riwei-HEU/DENS"
PINNED = "4ae0ecd0d15155664c1e10134d7e5fe6e742e21e"
CHECKSUMS = {
    "train.txt": "sha256:f3436dd517778b4902c81d8cab8ca8b841ede49c6673ac550dc7060a580921ab",
    "test.txt": "sha256:10d349862f72f0b77c9f40c1579b694d90ab48ecf74d561b9f02b171cbf1088f",
}
FILES = DatasetFiles(
    folders=("dens/baby", "DENS/DENS/data/baby", "DENS/data/baby", "data/baby"),
    files=("train.txt", "test.txt"),
    downloads=tuple(
        Download(name, (f"{RAW}/{PINNED}/DENS/data/baby/{name}",), checksum)
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
    return read_split_lists(cache.find(FILES), name="dens_baby", source=CARD.link)
