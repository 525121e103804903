"""BibTeX entry of a method, from the fields of its card and nothing else.

A card's title names the method and not the paper, so it stands in the note and no paper's title is
made up; unknown fields are left out. The key is the first author's name, the year and the method.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_SPECIAL = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "#$%&_"},
}
_DOI = re.compile(r"https?://(?:dx\.)?doi\.org/(10\.[^\s{}\\%#]+)")
_ARXIV = re.compile(r"https?://arxiv\.org/abs/(\d{4}\.\d{4,5})")


def bibtex(name: str, card: Mapping[str, Any]) -> str:
    """The entry of a method; empty where the card knows neither authors, venue nor link."""
    authors, link = str(card.get("authors") or ""), str(card.get("link") or "")
    year, venue = str(card.get("year") or ""), str(card.get("venue") or "")
    if not (authors or venue or link):
        return ""
    fields = {
        "author": " and ".join(_escaped(author) for author in _people(authors)),
        "year": _escaped(year),
        "howpublished": _escaped(venue),
        **_address(link),
        "note": _escaped(f"Method: {card['title']}" if card.get("title") else ""),
    }
    lines = [f"  {field} = {{{value}}}" for field, value in fields.items() if value]
    return "\n".join([f"@misc{{{_key(name, authors, year)},", ",\n".join(lines), "}"])


def _people(authors: str) -> list[str]:
    """The names of a list: "Doe, Roe and Poe", "Doe & Roe", "Doe et al."; initials stay behind."""
    people: list[str] = []
    for part in re.split(r"[,;&]|\band\b", re.sub(r"\bet al\.?", ", others", authors)):
        person = " ".join(part.split())
        if person and people and re.fullmatch(r"(?:\w\.[- ]?)+", person):
            people[-1] += f", {person}"
        elif person:
            people.append(person)
    return people


def _address(link: str) -> dict[str, str]:
    """Where the work is: a DOI or an arXiv number where the link holds one, and the link."""
    if not re.fullmatch(r"https?://[^\s{}\\]+", link):
        return {}
    if doi := _DOI.fullmatch(link):
        return {"doi": doi[1], "url": link}
    if number := _ARXIV.fullmatch(link):
        return {"eprint": number[1], "archiveprefix": "arXiv", "url": link}
    return {"url": re.sub(r"([%#&_])", r"\\\1", link)}


def _key(name: str, authors: str, year: str) -> str:
    people = _people(authors)
    first = people[0].partition(",")[0].split()[-1] if people else ""
    return "".join(map(_plain, (first, year, name))) or "method"


def _plain(text: str) -> str:
    """Letters, digits and underscores of plain ASCII, in small letters: what a key may hold."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"\W", "", folded.lower())


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(mark, mark) for mark in " ".join(text.split()))
