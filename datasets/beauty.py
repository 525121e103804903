"""Amazon Beauty as prepared for SASRec: who reviewed what, in time order per user.

Official layout: `Beauty.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import Shelf, Source
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.sasrec import ordered_pairs
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang, Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    provides=("order",),
    licence="",
    terms="Amazon reviews: no formal licence, research use",
    size="",
)

RAW = "https://raw.githubusercontent.com/kang205/SASRec"
FIRST = "641c378fcfac265ea8d1e5fe51d4d53eb892d1b4"
SOURCE = Source(
    folders=("sasrec", "SASRec", "data"),
    files=("Beauty.txt",),
    downloads=(
        Download("Beauty.txt", (f"{RAW}/{FIRST}/data/Beauty.txt", f"{RAW}/master/data/Beauty.txt")),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


def load(config: Config, shelf: Shelf) -> Interactions:
    """All pairs, in the order of the file."""
    del config
    return ordered_pairs(shelf.find(SOURCE), "Beauty.txt", name="beauty", source=CARD.link)
