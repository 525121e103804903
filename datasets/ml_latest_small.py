"""MovieLens latest-small: about 100,000 ratings; GroupLens replaces it from time to time.

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
    title="MovieLens latest-small",
    family="ratings",
    authors="F. Maxwell Harper, Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/latest/",
    provides=("order", "texts"),
    licence="GroupLens terms: research",
    terms="research use with acknowledgement; may be redistributed under the same terms; no"
    " commercial use without permission of GroupLens (see the README in the archive)",
    size="about 610 to 671 users, 100,000 ratings (the edition changes)",
)

SOURCE = Source(
    folders=("ml-latest-small",),
    files=("ratings.csv",),
    optional=("movies.csv",),
    downloads=(
        Download(
            "ml-latest-small.zip",
            ("https://files.grouplens.org/datasets/movielens/ml-latest-small.zip",),
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
        shelf.find(SOURCE), name="ml_latest_small", min_rating=config.min_rating, source=CARD.link
    )
