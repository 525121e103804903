"""BibTeX entries of methods, data sets and negbench itself, from the fields of cards alone.

A card's authors stand as on the paper, "Ed H. Chi and Aäron van den Oord"; an entry has the family
name first, "Chi, Ed H.". Nothing is added, so a family name alone stays one, and unknown fields are
left out. A card of several papers, parted by semicolons, gives an entry each. A card without a
paper's title is cited by its own title, which names the method or the data set. The key of an entry
is the first author's name, the year and the first word of the title.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from negbench.plugins.venues import written_out

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
_ARXIV_VENUE = re.compile(r"arXiv(?: (\d{4}\.\d{4,5}))?")
_SMALL = {"a", "an", "the", "on", "of", "in", "for", "and", "to", "with", "can", "from"}
TITLE = "negbench: benchmark and analysis of negative sampling methods for recommender systems"
"""As CITATION.cff has it."""


@dataclass(frozen=True)
class Entry:
    """One entry: type, key, and fields whose values are LaTeX."""

    kind: str
    key: str
    fields: Mapping[str, str]

    @property
    def text(self) -> str:
        """The entry as it stands in a .bib file."""
        lines = [f"  {field} = {{{value}}}" for field, value in self.fields.items()]
        return "\n".join([f"@{self.kind}{{{self.key},", ",\n".join(lines), "}"])


def bibtex(name: str, card: Mapping[str, Any], *, data: bool = False) -> str:
    """The entries of a plug-in; empty where its card knows neither authors, venue nor link.

    The link of a data set (`data`) is that of the data and not of the paper.
    """
    return "\n\n".join(entry.text for entry in entries(name, card, data=data))


def entries(name: str, card: Mapping[str, Any], *, data: bool = False) -> list[Entry]:
    """The entries of a plug-in, one a paper."""
    texts = [str(card.get(field) or "") for field in ("authors", "paper", "venue")]
    link = str(card.get("link") or "")
    if not (texts[0] or texts[2] or link):
        return []
    papers = [tuple(texts)]
    parts = [[part.strip() for part in text.split(";")] for text in texts]
    if len({len(each) for each in parts}) == 1 < len(parts[0]):
        papers, link = list(zip(*parts, strict=True)), ""  # whose link it is is not known
    known = {**card, "link": link}
    return [_entry(name, known, *paper, data=data) for paper in papers]


def negbench_entry(versions: Iterable[str]) -> Entry:
    """The entry of negbench itself, at the versions that a run was made with."""
    fields = {
        "author": "{The negbench maintainers}",
        "title": _title(TITLE),
        "note": _escaped(f"Version {', '.join(versions)}"),
    }
    return Entry("misc", "negbench", fields)


def _entry(
    name: str, card: Mapping[str, Any], authors: str, paper: str, venue: str, *, data: bool
) -> Entry:
    kind, field, where = written_out(venue)
    year, title = str(card.get("year") or ""), str(card.get("title") or "")
    address = _address(str(card.get("link") or ""))
    if data and paper and not {"doi", "eprint"} & set(address):
        address = {}  # the page of the data, not of the paper
    if arxiv := _ARXIV_VENUE.fullmatch(venue):
        address = ({"eprint": arxiv[1], "archiveprefix": "arXiv"} if arxiv[1] else {}) | address
        where = "" if "eprint" in address else where
    note = "" if paper or not title else "Data set" if data else f"Method: {title}"
    fields = {
        "author": " and ".join(_escaped(author) for author in _people(authors)),
        "title": _title(paper or (title if data else "")),
        field: _escaped(where),
        "year": _escaped(year),
        **address,
        "note": _escaped(note),
    }
    return Entry(kind, _key(name, authors, year, paper), {k: v for k, v in fields.items() if v})


def _people(authors: str) -> list[str]:
    """The names of a list: "Jo Doe, Al Roe and Poe", "Doe & Roe", "Doe et al."; family names first.

    Initials behind a family name belong to it: "Doe, J. and Roe, A.".
    """
    people: list[str] = []
    for part in re.split(r"[,;&]|\band\b", re.sub(r"\bet al\.?", ", others", authors)):
        person = " ".join(part.split())
        if person and people and re.fullmatch(r"(?:\w\.[- ]?)+", person):
            people[-1] += f", {person}"
        elif person:
            people.append(_family_name_first(person))
    return people


def _family_name_first(person: str) -> str:
    """ "Aäron van den Oord" as "van den Oord, Aäron"; one word stays as it is."""
    words = person.split()
    particle = (at for at, word in enumerate(words[:-1]) if word[0].islower())
    start = next(particle, len(words) - 1)
    return ", ".join(" ".join(part) for part in (words[start:], words[:start]) if part)


def _address(link: str) -> dict[str, str]:
    """Where the work is: a DOI or an arXiv number where the link holds one, and the link."""
    if not re.fullmatch(r"https?://[^\s{}\\]+", link):
        return {}
    if doi := _DOI.fullmatch(link):
        return {"doi": doi[1], "url": link}
    if number := _ARXIV.fullmatch(link):
        return {"eprint": number[1], "archiveprefix": "arXiv", "url": link}
    return {"url": re.sub(r"([%#&_])", r"\\\1", link)}


def _key(name: str, authors: str, year: str, paper: str) -> str:
    people = _people(authors)
    first = people[0].partition(",")[0].split()[-1] if people else ""
    words = [word for word in map(_plain, paper.split()) if word not in _SMALL]
    return "".join(map(_plain, (first, year, words[0] if words else name))) or "method"


def _plain(text: str) -> str:
    """Letters, digits and underscores of plain ASCII, in small letters: what a key may hold."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"\W", "", folded.lower())


def _title(text: str) -> str:
    """A title whose words with capitals inside keep them, whatever the style does to others."""
    words = (_escaped(word) for word in text.split())
    return " ".join(f"{{{word}}}" if _CAPITAL_INSIDE.search(word) else word for word in words)


_CAPITAL_INSIDE = re.compile(r"(?<=[\w-])[A-Z]")


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(mark, mark) for mark in " ".join(text.split()))
