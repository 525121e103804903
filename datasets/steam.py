"""Steam reviews as prepared for SASRec: who reviewed which game, in time order per user.

Official layout: `Steam.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import Shelf, Source
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.sasrec import ordered_pairs
from negbench.plugins.card import Card

CARD = Card(
    title="Steam (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang, Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    provides=("order",),
    licence="",
    terms="no formal licence, research use",
    size="",
)

RAW = "https://raw.githubusercontent.com/kang205/SASRec"
FIRST = "641c378fcfac265ea8d1e5fe51d4d53eb892d1b4"
SOURCE = Source(
    folders=("sasrec", "SASRec", "data"),
    files=("Steam.txt",),
    downloads=(
        Download("Steam.txt", (f"{RAW}/{FIRST}/data/Steam.txt", f"{RAW}/master/data/Steam.txt")),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


def load(config: Config, shelf: Shelf) -> Interactions:
    """All pairs, in the order of the file."""
    del config
    return ordered_pairs(shelf.find(SOURCE), "Steam.txt", name="steam", source=CARD.link)
