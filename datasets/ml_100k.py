"""MovieLens 100K: 943 users, 1,682 films, 100,000 ratings of 1998, with times and titles.

Official layout: `u.data` (user TAB item TAB rating TAB time), `u.item` (titles and genre flags,
Latin-1). A positive is a rating of at least `min_rating`.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import Found, Shelf, Source
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.movielens import RATINGS, Titles, star_ratings, titled
from negbench.data.readers.typed_tables import Kind, columns_of
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 100K",
    family="ratings",
    authors="F. Maxwell Harper, Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/100k/",
    provides=("order", "texts"),
    licence="GroupLens terms: research, no redistribution",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="943 x 1,682; 100,000 ratings",
)

SOURCE = Source(
    folders=("ml-100k",),
    files=("u.data",),
    optional=("u.item",),
    downloads=(
        Download(
            "ml-100k.zip",
            ("https://files.grouplens.org/datasets/movielens/ml-100k.zip",),
            "md5:0e33842e24a9c977be4e0107933c0723",
            4_924_029,
        ),
    ),
    checksums={"u.data": "md5:6e47046882bad158b0efbb84cd5cb987"},
    terms=CARD.terms,
)

GENRES = (
    "unknown, Action, Adventure, Animation, Children's, Comedy, Crime, Documentary, Drama, Fantasy,"
    " Film-Noir, Horror, Musical, Mystery, Romance, Sci-Fi, Thriller, War, Western"
).split(", ")
FILM: dict[str, Kind] = {
    "item": "whole",
    "title": "text",
    "date": "text",
    "video": "text",
    "link": "text",
    **{genre: "whole" for genre in GENRES},
}


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_rating: float = 4.0
    """Least rating, of 1 to 5; 1 keeps every row."""


def load(config: Config, shelf: Shelf) -> Interactions:
    """Ratings at least `min_rating`, in the order of the file."""
    found = shelf.find(SOURCE)
    ratings = columns_of(found["u.data"], RATINGS, separator="\t")
    return star_ratings(
        found,
        ratings,
        _titles(found),
        name="ml_100k",
        min_rating=config.min_rating,
        source=CARD.link,
    )


def _titles(found: Found) -> Titles | None:
    path = found.get("u.item")
    if path is None:
        return None
    films = columns_of(path, FILM, separator="|", encoding="latin-1")
    flags = films[GENRES].to_numpy(bool)
    return titled(
        films["item"],
        films["title"],
        [", ".join(g for g, on in zip(GENRES, row, strict=True) if on) for row in flags],
    )
