"""MovieLens as comma-separated tables: ratings.csv and movies.csv, as in its later editions."""

from negbench.data.official import columns_of
from negbench.data.shelf import Found
from negbench.data.star_ratings import FILMS, RATINGS, Titles, star_ratings, titled
from negbench.interactions import Interactions


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
