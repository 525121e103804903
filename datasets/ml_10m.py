"""MovieLens 10M: 71,567 users, 10,000,054 ratings from 1995 to 2009, with times and titles.

Official layout: `ratings.dat` (user::item::rating::time) and `movies.dat` (item::title::genres,
UTF-8). A positive is a rating of at least `min_rating`.
"""

from pathlib import Path

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles
from negbench.data.download.mirrors import Download
from negbench.data.readers.item_titles import Titles
from negbench.data.readers.movielens import (
    ARCHIVES,
    FILMS,
    RATINGS,
    HalfStars,
    film_titles,
    listed_genres,
    movielens_loader,
)
from negbench.data.readers.typed_tables import read_columns
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 10M",
    family="ratings",
    authors="F. Maxwell Harper and Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/10m/",
    paper="The MovieLens Datasets: History and Context",
    provides=("order", "texts", "item_features"),
    licence="GroupLens terms: research",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="71,567 users; 10,000,054 ratings",
)

FILES = DatasetFiles(
    folders=("ml-10m", "ml-10M100K"),  # the archive's own folder has the second name
    files=("ratings.dat",),
    optional=("movies.dat",),
    downloads=(Download("ml-10m.zip", (f"{ARCHIVES}/ml-10m.zip",)),),
    terms=CARD.terms,
)


def _ratings(path: Path) -> pd.DataFrame:
    return read_columns(path, RATINGS, separator="::")


def _titles(path: Path) -> Titles:
    films = read_columns(path, FILMS, separator="::")
    return film_titles(films, listed_genres(films))


Config = HalfStars
load = movielens_loader(FILES, name="ml_10m", link=CARD.link, ratings=_ratings, titles=_titles)
