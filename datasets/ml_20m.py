"""MovieLens 20M: 138,493 users, 20,000,263 ratings from 1995 to 2015, with times and titles.

Official layout: `ratings.csv` (userId,movieId,rating,timestamp) and `movies.csv`
(movieId,title,genres). A positive is a rating of at least `min_rating`.
"""

from negbench.data.readers.movielens import HalfStars, csv_loader, movielens_files
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 20M",
    family="ratings",
    authors="F. Maxwell Harper and Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/20m/",
    paper="The MovieLens Datasets: History and Context",
    provides=("order", "texts", "item_features"),
    licence="GroupLens terms: research",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="138,493 x 26,744; 20,000,263 ratings",
)

FILES = movielens_files(
    "ml-20m",
    archive_checksum="md5:cd245b17a1ae2cc31bb14903e1204af3",
    size=198_702_078,
    terms=CARD.terms,
)

Config = HalfStars
load = csv_loader(FILES, name="ml_20m", link=CARD.link)
