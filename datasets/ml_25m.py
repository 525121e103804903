"""MovieLens 25M: 162,541 users, 25,000,095 ratings from 1995 to 2019, with times and titles.

Official layout: `ratings.csv` (userId,movieId,rating,timestamp) and `movies.csv`
(movieId,title,genres). A positive is a rating of at least `min_rating`.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import Shelf, Source
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.movielens import film_tables
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 25M",
    family="ratings",
    authors="F. Maxwell Harper, Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/25m/",
    provides=("order", "texts"),
    licence="GroupLens terms: research",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="162,541 x 59,047; 25,000,095 ratings",
)

SOURCE = Source(
    folders=("ml-25m",),
    files=("ratings.csv",),
    optional=("movies.csv",),
    downloads=(
        Download(
            "ml-25m.zip",
            ("https://files.grouplens.org/datasets/movielens/ml-25m.zip",),
            "md5:6b51fb2759a8657d3bfcbfc42b592ada",
            261_978_986,
        ),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_rating: float = 4.0
    """Least rating, of 0.5 to 5; 0 keeps every row."""


def load(config: Config, shelf: Shelf) -> Interactions:
    """Ratings at least `min_rating`, in the order of the file."""
    return film_tables(
        shelf.find(SOURCE), name="ml_25m", min_rating=config.min_rating, source=CARD.link
    )
