"""The words of goodbooks: title, authors, year and genres of a book as one text."""

from collections.abc import Iterable


def book_text(title: str, authors: str, year: str, genres: Iterable[str] = ()) -> str:
    """`Title by Authors (year). genre, genre`; what is not known is left out."""
    text = title
    if authors:
        text += f" by {authors}"
    if year:
        text += f" ({year})"
    words = ", ".join(genres)
    return f"{text}. {words}" if words else text
