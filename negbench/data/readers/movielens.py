"""MovieLens: what its five data sets share, and the csv tables of three of them.

A positive is a rating of at least `min_rating`; items have titles and genres if that file is there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.item_titles import Titles, titles_of, with_titles
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
    *,
    archive_checksum: str = "",
    size: int = 0,
    checksums: Mapping[str, str] | None = None,
    terms: str,
) -> DatasetFiles:
    """The files of an edition: GroupLens' archive, named as its folder; films are optional."""
    archive = f"{folder}.zip"
    return DatasetFiles(
        folders=(folder,),
        files=(ratings,),
        optional=(films,),
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
) -> Callable[[Stars | HalfStars, FileCache], Interactions]:
    """The `load` of an edition, from the readers of its two files.

    `ratings` gives the columns RATINGS, `titles` the names and texts of the films.
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
        return with_titles(data, known)

    return load


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
    return titles_of(films["item"], films["title"], [_genres(each) for each in films["genres"]])


def _genres(field: str) -> str:
    return "" if field.startswith("(no") else field.replace("|", ", ")
