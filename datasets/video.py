"""Amazon Video Games as prepared for SASRec: 31,013 users, 23,715 games, 287,107 reviews.

Official layout: `Video.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import Shelf, Source
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.sasrec import ordered_pairs
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Video Games (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang, Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    provides=("order",),
    licence="",
    terms="Amazon reviews: no formal licence, research use",
    size="31,013 x 23,715; 287,107",
)

RAW = "https://raw.githubusercontent.com/kang205/SASRec"
FIRST = "641c378fcfac265ea8d1e5fe51d4d53eb892d1b4"
SOURCE = Source(
    folders=("sasrec", "SASRec", "data"),
    files=("Video.txt",),
    downloads=(
        Download(
            "Video.txt",
            (f"{RAW}/{FIRST}/data/Video.txt", f"{RAW}/master/data/Video.txt"),
            "git:f576455c76008a2c02a178c9d4ee930be632af89",
        ),
    ),
    checksums={"Video.txt": "git:f576455c76008a2c02a178c9d4ee930be632af89"},
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


def load(config: Config, shelf: Shelf) -> Interactions:
    """All pairs, in the order of the file."""
    del config
    return ordered_pairs(shelf.find(SOURCE), "Video.txt", name="video", source=CARD.link)
