"""goodbooks-10k in full: 10,000 books, 912,705 to-read marks or 5,976,479 ratings, in time order.

Official layout: `to_read.csv` (user_id,book_id), `ratings.csv` (user_id,book_id,rating), both in
time order, and `books.csv`. The stamps are not known, so the order of the rows is the order.
"""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache, LocalFiles
from negbench.data.download.mirrors import Download
from negbench.data.features import Features
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.item_titles import (
    Titles,
    authors_of,
    book_text,
    with_titles,
    years_of,
)
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import reindex
from negbench.plugins.card import Card

CARD = Card(
    title="goodbooks-10k",
    family="ratings",
    authors="Zygmunt Zajac",
    year=2017,
    link="https://github.com/zygmuntz/goodbooks-10k",
    provides=("order", "texts", "item_features"),
    licence="CC BY-SA 4.0",
    terms="CC BY-SA 4.0",
    size="to_read: 912,705 pairs; ratings: 5,976,479 rows",
)

RAW = "https://raw.githubusercontent.com/zygmuntz/goodbooks-10k"
WHOLE: Kind = "whole"
NUMBER: Kind = "number"
BOOKS: dict[str, Kind] = {
    "book_id": "whole",
    "title": "text",
    "authors": "text",
    "original_publication_year": "text",
}
PINNED = "6dd165b555a7b47b2dd36743a425776e641ff50c"


@dataclass(frozen=True)
class Config:
    """Which table is read."""

    table: Literal["to_read", "ratings"] = "to_read"
    """The marks, or the ratings."""
    min_rating: float = 4.0
    """Least rating, of 1 to 5; of no effect on to_read."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Every pair of the table, in the order of the file."""
    local = cache.find(_source(config.table))
    stars = config.table == "ratings"
    kinds = {"user": WHOLE, "item": WHOLE} | ({"rating": NUMBER} if stars else {})
    header = ("user_id", "book_id", "rating")[: len(kinds)]
    table = read_columns(local[f"{config.table}.csv"], kinds, separator=",", header=header)
    rows = RawRows(
        pd.Index(table["user"].to_numpy()),
        pd.Index(table["item"].to_numpy()),
        ratings=table["rating"].to_numpy("float64") if stars else None,
        notes=local.notes,
    )
    data = reindex(
        rows,
        name="goodbooks_10k",
        order="rows",
        min_rating=config.min_rating if stars else None,
        source=CARD.link,
        licence=CARD.licence,
        notes=(f"{config.table}.csv; its rows are in time order",),
    )
    return with_titles(data, _titles(local))


def _source(table: str) -> DatasetFiles:
    files = (f"{table}.csv", "books.csv")
    return DatasetFiles(
        folders=("goodbooks-10k",),
        files=files[:1],
        optional=files[1:],
        downloads=tuple(
            Download(name, (f"{RAW}/{PINNED}/{name}", f"{RAW}/master/{name}")) for name in files
        ),
        terms=CARD.terms,
    )


def _titles(local: LocalFiles) -> Titles | None:
    path = local.get("books.csv")
    if path is None:
        return None
    books = read_columns(path, BOOKS, separator=",", header=tuple(BOOKS))
    ids = books["book_id"].tolist()
    years = [each.removesuffix(".0") for each in books["original_publication_year"]]
    texts = map(book_text, books["title"], books["authors"], years)
    return Titles(
        dict(zip(ids, books["title"], strict=True)),
        dict(zip(ids, texts, strict=True)),
        (ids, Features.of({"authors": authors_of(books)}, {"year": years_of(years)})),
    )
