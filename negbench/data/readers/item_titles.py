"""Item titles and texts: names for lists, and texts for methods that read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from negbench.data.interactions import Interactions


@dataclass(frozen=True)
class Titles:
    """Names and texts of items by their identifier in the file."""

    names: Mapping[int, str]
    texts: Mapping[int, str]


def titles_of(ids: pd.Series, titles: pd.Series, genres: Sequence[str]) -> Titles:
    """Names, and texts of the form `title. genres`; all three in the same order, [I]."""
    keys, names = ids.tolist(), titles.astype(str).tolist()
    texts = [
        f"{name}. {genre}" if genre else name for name, genre in zip(names, genres, strict=True)
    ]
    return Titles(dict(zip(keys, names, strict=True)), dict(zip(keys, texts, strict=True)))


def with_titles(data: Interactions, titles: Titles | None) -> Interactions:
    """The data set with the names and texts of its items; unknown ones are empty."""
    if titles is None or data.item_ids is None:
        return data
    return replace(
        data,
        item_names=tuple(titles.names.get(item, "") for item in data.item_ids),
        item_texts=tuple(titles.texts.get(item, "") for item in data.item_ids),
    )


def book_text(title: str, authors: str, year: str, genres: Iterable[str] = ()) -> str:
    """`Title by Authors (year). genre, genre`; unknown fields are left out."""
    text = title
    if authors:
        text += f" by {authors}"
    if year:
        text += f" ({year})"
    words = ", ".join(genres)
    return f"{text}. {words}" if words else text
