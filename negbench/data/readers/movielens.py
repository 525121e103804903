"""MovieLens: what its five data sets share, and the csv tables of three of them.

A positive is a rating of at least `min_rating`; items have titles and genres if that file is there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.features import Features
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.item_titles import (
    Titles,
    titles_of,
    with_titles,
    years_of,
)
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import reindex

ARCHIVES = "https://files.grouplens.org/datasets/movielens"
RATINGS: Mapping[str, Kind] = {
    "user": "whole",
    "item": "whole",
    "rating": "number",
    "time": "number",
}
"""The columns of every table of ratings, in this order."""
FILMS: Mapping[str, Kind] = {"item": "whole", "title": "text", "genres": "text"}
"""The columns of a table of films; 100K has its own."""


@dataclass(frozen=True)
class Stars:
    """What counts as a positive."""

    min_rating: float = 4.0
    """Least rating, of 1 to 5; 1 keeps every row."""


@dataclass(frozen=True)
class HalfStars:
    """What counts as a positive."""

    min_rating: float = 4.0
    """Least rating, of 0.5 to 5; 0 keeps every row."""


def movielens_files(
    folder: str,
    ratings: str = "ratings.csv",
    films: str = "movies.csv",
    people: str = "",
    *,
    archive_checksum: str = "",
    size: int = 0,
    checksums: Mapping[str, str] | None = None,
    terms: str,
) -> DatasetFiles:
    """The files of an edition: GroupLens' archive, named as its folder.

    Films are optional, and so is a table of `people`, where there is one.
    """
    archive = f"{folder}.zip"
    return DatasetFiles(
        folders=(folder,),
        files=(ratings,),
        optional=(films, people) if people else (films,),
        downloads=(Download(archive, (f"{ARCHIVES}/{archive}",), archive_checksum, size),),
        checksums=checksums or {},
        terms=terms,
    )


def movielens_loader(
    files: DatasetFiles,
    *,
    name: str,
    link: str,
    ratings: Callable[[Path], pd.DataFrame],
    titles: Callable[[Path], Titles],
    people: Callable[[Path], pd.DataFrame] | None = None,
) -> Callable[[Stars | HalfStars, FileCache], Interactions]:
    """The `load` of an edition, from the readers of its two files.

    `ratings` gives the columns RATINGS, `titles` the names, texts and columns of the films, and
    `people` the columns user, gender, age (of 1M the least of a class) and occupation.
    """

    def load(config: Stars | HalfStars, cache: FileCache) -> Interactions:
        """Ratings at least `min_rating`, in the order of the file."""
        local = cache.find(files)
        table = ratings(local[files.files[0]])
        films = local.get(files.optional[0])
        known = None if films is None else titles(films)
        rows = RawRows(
            pd.Index(table["user"].to_numpy()),
            pd.Index(table["item"].to_numpy()),
            table["time"].to_numpy("float64"),
            table["rating"].to_numpy("float64"),
            local.notes,
        )
        least = config.min_rating
        note = f"a positive is a rating of at least {least:g}"
        data = reindex(rows, name=name, min_rating=least, source=link, notes=(note,))
        table_of_people = local.get(files.optional[-1]) if people else None
        if people and table_of_people is not None:
            data = _with_people(data, people(table_of_people))
        return with_titles(data, known)

    return load


def _with_people(data: Interactions, people: pd.DataFrame) -> Interactions:
    """The data set with the columns of its users."""
    words = ("gender", "occupation")
    categories = {name: [[str(each)] for each in people[name]] for name in words}
    features = Features.of(categories, {"age": people["age"].to_numpy()})
    ids = () if data.user_ids is None else data.user_ids
    return replace(data, user_features=features.of_ids(people["user"].tolist(), ids))


def csv_loader(
    files: DatasetFiles, *, name: str, link: str
) -> Callable[[Stars | HalfStars, FileCache], Interactions]:
    """The `load` of an edition of csv tables, ratings.csv and movies.csv."""
    return movielens_loader(files, name=name, link=link, ratings=_csv_ratings, titles=_csv_titles)


def _csv_ratings(path: Path) -> pd.DataFrame:
    header = ("userId", "movieId", "rating", "timestamp")
    return read_columns(path, RATINGS, separator=",", header=header)


def _csv_titles(path: Path) -> Titles:
    films = read_columns(path, FILMS, separator=",", header=("movieId", "title", "genres"))
    return film_titles(films, listed_genres(films))


def listed_genres(films: pd.DataFrame) -> list[list[str]]:
    """The genres of films from fields as `Animation|Comedy`; none of `(no genres listed)`."""
    fields = films["genres"].tolist()
    return [[] if each.startswith("(no") else each.split("|") for each in fields]


def film_titles(films: pd.DataFrame, genres: list[list[str]]) -> Titles:
    """Names, texts, genres and years of films; a year ends the title, as in `Heat (1995)`."""
    titles = titles_of(films["item"], films["title"], [", ".join(each) for each in genres])
    years = years_of(films["title"].str.extract(r"\((\d{4})\)\s*$")[0].fillna(""))
    features = Features.of({"genres": genres}, {"year": years})
    return replace(titles, features=(films["item"].tolist(), features))
