"""goodbooks: books marked as to-read by users, in time order, with titles and genres.

Embedded. The first 101,169 rows of `to_read.csv` of goodbooks-10k, iterated 5-core: 5,786 users,
3,693 books, 83,197 pairs. A user's rows are in time order; the stamps are not known. See NOTICE.md.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from negbench.data.download.file_cache import FileCache
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
from negbench.data.readers.packaged_files import packaged_table
from negbench.data.reindex import reindex
from negbench.plugins.card import Card

CARD = Card(
    title="goodbooks (to-read, 5-core)",
    family="embedded",
    authors="Zygmunt Zajac",
    year=2017,
    link="https://github.com/zygmuntz/goodbooks-10k",
    provides=("order", "texts", "item_features"),
    licence="CC BY-SA 4.0",
    terms="CC BY-SA 4.0; changed from the original as datasets/NOTICE.md says",
    size="5,786 x 3,693; 83,197",
)


@dataclass(frozen=True)
class Config:
    """No parameters."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Every pair in the order of the file, books with their titles and texts."""
    del config, cache
    pairs = packaged_table("goodbooks.interactions.csv.gz")
    rows = RawRows(
        pd.Index(pairs["user_id"].to_numpy(np.int64)), pd.Index(pairs["book_id"].to_numpy(np.int64))
    )
    data = reindex(
        rows,
        name="goodbooks",
        order="rows",
        source=CARD.link,
        licence=CARD.licence,
        notes=("embedded; the rows of the file are in time order",),
    )
    return with_titles(data, _titles())


def _titles() -> Titles:
    books = packaged_table("goodbooks.items.csv.gz")
    ids = [int(each) for each in books["book_id"]]
    genres = [each.split(",") if each else [] for each in books["genres"]]
    texts = map(book_text, books["title"], books["authors"], books["year"], genres)
    columns = {"genres": genres, "authors": authors_of(books)}
    return Titles(
        dict(zip(ids, books["title"], strict=True)),
        dict(zip(ids, texts, strict=True)),
        (ids, Features.of(columns, {"year": years_of(books["year"])})),
    )
