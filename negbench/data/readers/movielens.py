"""Data sets of star ratings: what is rated well enough is a positive, and items have titles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from negbench.data.download.file_cache import Found
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import Rows
from negbench.data.readers.typed_tables import Kind, columns_of
from negbench.data.reindex import numbered

RATINGS: Mapping[str, Kind] = {
    "user": "whole",
    "item": "whole",
    "rating": "number",
    "time": "number",
}
FILMS: Mapping[str, Kind] = {"item": "whole", "title": "text", "genres": "text"}
"""The columns of MovieLens' tables."""


@dataclass(frozen=True)
class Titles:
    """What is known of items in words, by their identifier in the file."""

    names: Mapping[int, str]
    texts: Mapping[int, str]


def star_ratings(
    found: Found,
    ratings: pd.DataFrame,
    titles: Titles | None,
    *,
    name: str,
    min_rating: float,
    source: str,
) -> Interactions:
    """Positives are the rows (user, item, rating, time) with at least `min_rating`."""
    rows = Rows(
        pd.Index(ratings["user"].to_numpy()),
        pd.Index(ratings["item"].to_numpy()),
        ratings["time"].to_numpy("float64"),
        ratings["rating"].to_numpy("float64"),
        found.notes,
    )
    note = f"a positive is a rating of at least {min_rating:g}"
    data = numbered(rows, name=name, min_rating=min_rating, source=source, notes=(note,))
    return entitled(data, titles)


def entitled(data: Interactions, titles: Titles | None) -> Interactions:
    """The same data with the names and texts of its items; unknown ones are empty."""
    if titles is None or data.item_ids is None:
        return data
    return replace(
        data,
        item_names=tuple(titles.names.get(item, "") for item in data.item_ids),
        item_texts=tuple(titles.texts.get(item, "") for item in data.item_ids),
    )


def titled(ids: pd.Series, titles: pd.Series, genres: Sequence[str]) -> Titles:
    """Names, and texts that join title and genres."""
    keys, names = ids.tolist(), titles.astype(str).tolist()
    texts = [
        f"{name}. {genre}" if genre else name for name, genre in zip(names, genres, strict=True)
    ]
    return Titles(dict(zip(keys, names, strict=True)), dict(zip(keys, texts, strict=True)))


def film_tables(found: Found, *, name: str, min_rating: float, source: str) -> Interactions:
    """The ratings of a MovieLens edition with titles and genres."""
    header = ("userId", "movieId", "rating", "timestamp")
    ratings = columns_of(found["ratings.csv"], RATINGS, separator=",", header=header)
    return star_ratings(
        found, ratings, _titles(found), name=name, min_rating=min_rating, source=source
    )


def _titles(found: Found) -> Titles | None:
    path = found.get("movies.csv")
    if path is None:
        return None
    films = columns_of(path, FILMS, separator=",", header=("movieId", "title", "genres"))
    return titled(films["item"], films["title"], [_words(each) for each in films["genres"]])


def _words(genres: str) -> str:
    return "" if genres.startswith("(no") else genres.replace("|", ", ")
