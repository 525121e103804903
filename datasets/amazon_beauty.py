"""Amazon Beauty, ratings only: 1,210,271 users, 249,274 items, 2,023,070 ratings to 2014.

Official layout: `ratings_Beauty.csv` without header, `user,item,rating,time` a line, times in
seconds and of whole days. `beauty` has the same shop as prepared for SASRec, without times.
"""

from dataclasses import dataclass

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import reindex
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (2014, ratings only)",
    family="ratings",
    authors="Ruining He and Julian McAuley",
    year=2016,
    venue="WWW",
    link="https://jmcauley.ucsd.edu/data/amazon/",
    paper="Ups and Downs: Modeling the Visual Evolution of Fashion Trends with One-Class"
    " Collaborative Filtering",
    provides=("order",),
    licence="",
    terms="licence not known; Amazon reviews, research use",
    size="1,210,271 x 249,274; 2,023,070 ratings",
)

TABLE = "ratings_Beauty.csv"
FILES = DatasetFiles(
    folders=("amazon-beauty", "amazon_beauty"),
    files=(TABLE,),
    downloads=(
        Download(
            TABLE,
            (f"http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/{TABLE}",),
        ),
    ),
    terms=CARD.terms,
)
COLUMNS: dict[str, Kind] = {"user": "text", "item": "text", "rating": "number", "time": "number"}


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_rating: float = 1.0
    """Least rating, of 1 to 5; 1 keeps every row."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Ratings at least `min_rating`, in the order of the file."""
    local = cache.find(FILES)
    table = read_columns(local[TABLE], COLUMNS, separator=",")
    rows = RawRows(
        pd.Index(table["user"].to_numpy(object)),
        pd.Index(table["item"].to_numpy(object)),
        table["time"].to_numpy("float64"),
        table["rating"].to_numpy("float64"),
        local.notes,
    )
    least = config.min_rating
    note = f"a positive is a rating of at least {least:g}"
    return reindex(rows, name="amazon_beauty", min_rating=least, source=CARD.link, notes=(note,))
