"""MovieLens 1M: 6,040 users, 3,706 films rated, 1,000,209 ratings of 2000, with times and titles.

Official layout: `ratings.dat` (user::item::rating::time), `movies.dat` (item::title::genres,
Latin-1). A positive is a rating of at least `min_rating`.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import Found, Shelf, Source
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.movielens import FILMS, RATINGS, Titles, star_ratings, titled
from negbench.data.readers.typed_tables import columns_of
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 1M",
    family="ratings",
    authors="F. Maxwell Harper, Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/1m/",
    provides=("order", "texts"),
    licence="GroupLens terms: research, no redistribution",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="6,040 x 3,706; 1,000,209 ratings",
)

SOURCE = Source(
    folders=("ml-1m",),
    files=("ratings.dat",),
    optional=("movies.dat",),
    downloads=(
        Download(
            "ml-1m.zip",
            ("https://files.grouplens.org/datasets/movielens/ml-1m.zip",),
            "md5:c4d9eecfca2ab87c1945afe126590906",
        ),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_rating: float = 4.0
    """Least rating, of 1 to 5; 1 keeps every row."""


def load(config: Config, shelf: Shelf) -> Interactions:
    """Ratings at least `min_rating`, in the order of the file."""
    found = shelf.find(SOURCE)
    ratings = columns_of(found["ratings.dat"], RATINGS, separator="::")
    return star_ratings(
        found,
        ratings,
        _titles(found),
        name="ml_1m",
        min_rating=config.min_rating,
        source=CARD.link,
    )


def _titles(found: Found) -> Titles | None:
    path = found.get("movies.dat")
    if path is None:
        return None
    films = columns_of(path, FILMS, separator="::", encoding="latin-1")
    return titled(films["item"], films["title"], films["genres"].str.replace("|", ", ").tolist())
