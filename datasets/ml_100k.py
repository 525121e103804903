"""MovieLens 100K: 943 users, 1,682 films, 100,000 ratings of 1998, with times and titles.

Official layout: `u.data` (user TAB item TAB rating TAB time), `u.item` (titles and genre flags,
Latin-1), `u.user` (user|age|gender|occupation|zip code). A positive is a rating of at least
`min_rating`.
"""

from pathlib import Path

import pandas as pd

from negbench.data.readers.item_titles import Titles
from negbench.data.readers.movielens import (
    RATINGS,
    Stars,
    film_titles,
    movielens_files,
    movielens_loader,
)
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 100K",
    family="ratings",
    authors="F. Maxwell Harper and Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/100k/",
    paper="The MovieLens Datasets: History and Context",
    provides=("order", "texts", "user_features", "item_features"),
    licence="GroupLens terms: research, no redistribution",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="943 x 1,682; 100,000 ratings",
)

FILES = movielens_files(
    "ml-100k",
    "u.data",
    "u.item",
    "u.user",
    archive_checksum="md5:0e33842e24a9c977be4e0107933c0723",
    size=4_924_029,
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
USER: dict[str, Kind] = {
    "user": "whole",
    "age": "whole",
    "gender": "text",
    "occupation": "text",
    "zip": "text",
}


def _ratings(path: Path) -> pd.DataFrame:
    return read_columns(path, RATINGS, separator="\t")


def _titles(path: Path) -> Titles:
    films = read_columns(path, FILM, separator="|", encoding="latin-1")
    flags = films[GENRES].to_numpy(bool)
    genres = [[g for g, on in zip(GENRES, row, strict=True) if on] for row in flags]
    return film_titles(films, genres)


def _people(path: Path) -> pd.DataFrame:
    return read_columns(path, USER, separator="|")


Config = Stars
load = movielens_loader(
    FILES, name="ml_100k", link=CARD.link, ratings=_ratings, titles=_titles, people=_people
)
