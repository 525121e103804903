"""MovieLens 1M as prepared for SASRec: every rating counts, 6,040 users, 3,416 films, in order.

Official layout: `ml-1m.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import Shelf, Source
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.sasrec import ordered_pairs
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 1M (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang, Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    provides=("order",),
    licence="",
    terms="MovieLens terms: research use, acknowledge, no redistribution",
    size="6,040 x 3,416; 999,611",
)

RAW = "https://raw.githubusercontent.com/kang205/SASRec"
FIRST = "641c378fcfac265ea8d1e5fe51d4d53eb892d1b4"
SOURCE = Source(
    folders=("sasrec", "SASRec", "data"),
    files=("ml-1m.txt",),
    downloads=(
        Download(
            "ml-1m.txt",
            (f"{RAW}/{FIRST}/data/ml-1m.txt", f"{RAW}/master/data/ml-1m.txt"),
            "git:9ab8e3edb8742f8d8cc4911e3dee25e82a6fcc24",
        ),
    ),
    checksums={"ml-1m.txt": "git:9ab8e3edb8742f8d8cc4911e3dee25e82a6fcc24"},
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


def load(config: Config, shelf: Shelf) -> Interactions:
    """All pairs, in the order of the file."""
    del config
    return ordered_pairs(shelf.find(SOURCE), "ml-1m.txt", name="ml_1m_sasrec", source=CARD.link)
