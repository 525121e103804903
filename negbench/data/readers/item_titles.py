"""Item titles, texts and features: names for lists, and what methods and backbones read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.features import Features
from negbench.data.interactions import Interactions


@dataclass(frozen=True)
class Titles:
    """Names and texts of items by their identifier in the file, and their columns."""

    names: Mapping[int, str]
    texts: Mapping[int, str]
    features: tuple[Sequence[int], Features] | None = None
    """The identifier of each row, and the columns."""


def titles_of(ids: pd.Series, titles: pd.Series, genres: Sequence[str]) -> Titles:
    """Names, and texts of the form `title. genres`; all three in the same order, [I]."""
    keys, names = ids.tolist(), titles.astype(str).tolist()
    texts = [
        f"{name}. {genre}" if genre else name for name, genre in zip(names, genres, strict=True)
    ]
    return Titles(dict(zip(keys, names, strict=True)), dict(zip(keys, texts, strict=True)))


def with_titles(data: Interactions, titles: Titles | None) -> Interactions:
    """The data set with the names, texts and features of its items; unknown ones are empty."""
    if titles is None or data.item_ids is None:
        return data
    ids, columns = titles.features or ((), None)
    return replace(
        data,
        item_features=None if columns is None else columns.of_ids(ids, data.item_ids),
        item_names=tuple(titles.names.get(item, "") for item in data.item_ids),
        item_texts=tuple(titles.texts.get(item, "") for item in data.item_ids),
    )


def years_of(fields: Iterable[str]) -> NDArray[np.float64]:
    """The years of items as numbers; NaN for a field that is none."""
    numbers = pd.to_numeric(pd.Series(list(fields), dtype=str), errors="coerce")
    return numbers.to_numpy(np.float64)


def authors_of(books: pd.DataFrame) -> list[list[str]]:
    """The authors of books from fields as `J.K. Rowling, Mary GrandPré`."""
    return [[each for each in field.split(", ") if each] for field in books["authors"]]


def book_text(title: str, authors: str, year: str, genres: Iterable[str] = ()) -> str:
    """`Title by Authors (year). genre, genre`; unknown fields are left out."""
    text = title
    if authors:
        text += f" by {authors}"
    if year:
        text += f" ({year})"
    words = ", ".join(genres)
    return f"{text}. {words}" if words else text
