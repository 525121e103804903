"""MovieLens 20M: 138,493 users, 20,000,263 ratings from 1995 to 2015, with times and titles.

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
    title="MovieLens 20M",
    family="ratings",
    authors="F. Maxwell Harper, Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/20m/",
    provides=("order", "texts"),
    licence="GroupLens terms: research",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="138,493 x 26,744; 20,000,263 ratings",
)

SOURCE = Source(
    folders=("ml-20m",),
    files=("ratings.csv",),
    optional=("movies.csv",),
    downloads=(
        Download(
            "ml-20m.zip",
            ("https://files.grouplens.org/datasets/movielens/ml-20m.zip",),
            "md5:cd245b17a1ae2cc31bb14903e1204af3",
            198_702_078,
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
        shelf.find(SOURCE), name="ml_20m", min_rating=config.min_rating, source=CARD.link
    )
