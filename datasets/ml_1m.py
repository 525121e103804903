"""MovieLens 1M: 6,040 users, 3,706 films rated, 1,000,209 ratings of 2000, with times and titles.

Official layout: `ratings.dat` (user::item::rating::time), `movies.dat` (item::title::genres,
Latin-1), `users.dat` (user::gender::age::occupation::zip code; ages and occupations are codes). A
positive is a rating of at least `min_rating`.
"""

from pathlib import Path

import pandas as pd

from negbench.data.readers.item_titles import Titles
from negbench.data.readers.movielens import (
    FILMS,
    RATINGS,
    Stars,
    film_titles,
    listed_genres,
    movielens_files,
    movielens_loader,
)
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 1M",
    family="ratings",
    authors="F. Maxwell Harper and Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/1m/",
    paper="The MovieLens Datasets: History and Context",
    provides=("order", "texts", "user_features", "item_features"),
    licence="GroupLens terms: research, no redistribution",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="6,040 x 3,706; 1,000,209 ratings",
)

FILES = movielens_files(
    "ml-1m",
    "ratings.dat",
    "movies.dat",
    "users.dat",
    archive_checksum="md5:c4d9eecfca2ab87c1945afe126590906",
    terms=CARD.terms,
)
USER: dict[str, Kind] = {
    "user": "whole",
    "gender": "text",
    "age": "whole",
    "occupation": "whole",
    "zip": "text",
}


def _ratings(path: Path) -> pd.DataFrame:
    return read_columns(path, RATINGS, separator="::")


def _titles(path: Path) -> Titles:
    films = read_columns(path, FILMS, separator="::", encoding="latin-1")
    return film_titles(films, listed_genres(films))


def _people(path: Path) -> pd.DataFrame:
    return read_columns(path, USER, separator="::")


Config = Stars
load = movielens_loader(
    FILES, name="ml_1m", link=CARD.link, ratings=_ratings, titles=_titles, people=_people
)
