"""MovieLens latest-small: about 100,000 ratings; GroupLens replaces it from time to time.

Official layout: `ratings.csv` (userId,movieId,rating,timestamp) and `movies.csv`
(movieId,title,genres). A positive is a rating of at least `min_rating`.
"""

from negbench.data.readers.movielens import HalfStars, csv_loader, movielens_files
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens latest-small",
    family="ratings",
    authors="F. Maxwell Harper and Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/latest/",
    paper="The MovieLens Datasets: History and Context",
    provides=("order", "texts", "item_features"),
    licence="GroupLens terms: research",
    terms="research use with acknowledgement; may be redistributed under the same terms; no"
    " commercial use without permission of GroupLens (see the README in the archive)",
    size="about 610 to 671 users, 100,000 ratings (the edition changes)",
)

FILES = movielens_files("ml-latest-small", terms=CARD.terms)

Config = HalfStars
load = csv_loader(FILES, name="ml_latest_small", link=CARD.link)
