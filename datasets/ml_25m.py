"""MovieLens 25M: 162,541 users, 25,000,095 ratings from 1995 to 2019, with times and titles.

Official layout: `ratings.csv` (userId,movieId,rating,timestamp) and `movies.csv`
(movieId,title,genres). A positive is a rating of at least `min_rating`.
"""

from negbench.data.readers.movielens import HalfStars, csv_loader, movielens_files
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 25M",
    family="ratings",
    authors="F. Maxwell Harper and Joseph A. Konstan",
    year=2015,
    venue="ACM TiiS",
    link="https://grouplens.org/datasets/movielens/25m/",
    paper="The MovieLens Datasets: History and Context",
    provides=("order", "texts", "item_features"),
    licence="GroupLens terms: research",
    terms="research use with acknowledgement; no redistribution and no commercial use without"
    " permission of GroupLens (see the README in the archive)",
    size="162,541 x 59,047; 25,000,095 ratings",
)

FILES = movielens_files(
    "ml-25m",
    archive_checksum="md5:6b51fb2759a8657d3bfcbfc42b592ada",
    size=261_978_986,
    terms=CARD.terms,
)

Config = HalfStars
load = csv_loader(FILES, name="ml_25m", link=CARD.link)
