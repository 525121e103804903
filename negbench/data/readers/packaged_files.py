"""Files that come with the package, beside the loader that reads them."""

import gzip
import io
from collections.abc import Iterable
from importlib.resources import files

import pandas as pd


def embedded_table(name: str) -> pd.DataFrame:
    """A gzipped csv of the package as text; an empty field is an empty word."""
    frame: pd.DataFrame = pd.read_csv(io.BytesIO(embedded(name)), dtype=str, na_filter=False)
    return frame


def embedded(name: str) -> bytes:
    """The bytes inside a gzipped file of the package."""
    return gzip.decompress((files("negbench.datasets") / name).read_bytes())


def book_text(title: str, authors: str, year: str, genres: Iterable[str] = ()) -> str:
    """`Title by Authors (year). genre, genre`; what is not known is left out."""
    text = title
    if authors:
        text += f" by {authors}"
    if year:
        text += f" ({year})"
    words = ", ".join(genres)
    return f"{text}. {words}" if words else text
