"""The bibliography of a run: a .bib file of its methods, backbones, data sets, and negbench.

A paper that several of them come from stands once. Lines between the entries, which BibTeX passes
over, say what each is cited for, where data are and on which terms, and what has no paper.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from negbench.errors import UserError
from negbench.plugins import registry
from negbench.plugins.bibtex import Entry, entries, negbench_entry

from ..number_format import listed
from ..runs.frames import REFERENCE, Run
from .method_cards import method_cards


@dataclass(frozen=True)
class Cited:
    """A plug-in of a run with its card; None where the card is not at hand."""

    what: str
    name: str
    card: Mapping[str, Any] | None

    @property
    def entries(self) -> list[Entry]:
        """Its entries."""
        return entries(self.name, self.card, data=self.what == "data set") if self.card else []


def bibliography(run: Run) -> str:
    """The content of the .bib file; the same run gives the same file."""
    cited = list(_cited(run))
    papers: dict[str, tuple[Entry, list[str]]] = {}
    for each in cited:
        for entry in each.entries:
            text = _of_paper(entry)
            papers.setdefault(text, (entry, []))[1].append(f"{each.what} {each.name}")
    blocks, keys = [], set[str]()
    for entry, whose in sorted(papers.values(), key=lambda pair: (pair[0].key, pair[0].text)):
        key = next(k for k in (entry.key, *_more(entry.key)) if k not in keys)
        keys.add(key)
        blocks.append(f"% {listed(whose)}\n{replace(entry, key=key).text}")
    versions = {str((c.record.get("environment") or {}).get("negbench", "")) for c, _ in run.done}
    blocks.append(f"% negbench\n{negbench_entry(sorted(versions - {''})).text}")
    remarks = [line for each in cited for line in _remarks(each)]
    return "\n\n".join([*blocks, *(["\n".join(remarks)] if remarks else [])]) + "\n"


def _cited(run: Run) -> Iterator[Cited]:
    for each in method_cards(run):
        yield Cited("method", each.name, _with_names_of_now(each.name, each.card))
    for family, what, field in (
        ("backbones", "backbone", "backbone"),
        ("datasets", "data set", "dataset"),
    ):
        names = {str(cell.spec[field]).partition("(")[0] for cell, _ in run.done}
        for name in sorted(names - {REFERENCE}):
            yield Cited(what, name, _card(family, name))


def _with_names_of_now(name: str, card: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The card of a record; of the same paper the authors are those that its card has now.

    Records of earlier versions have family names alone.
    """
    for now in (_card(family, name) for family in ("methods", "references")):
        if card and now and now["paper"] and now["paper"] == card.get("paper"):
            return {**card, "authors": now["authors"]}
    return card


def _card(family: str, name: str) -> Mapping[str, Any] | None:
    try:
        return asdict(registry.card(family, name))
    except (UserError, OSError, ValueError, SyntaxError):
        return None  # a user's file, or a plug-in that is not here now


def _of_paper(entry: Entry) -> str:
    """What tells papers apart: the title if there is one, else all."""
    return entry.fields.get("title", "").lower() or entry.text


def _more(key: str) -> Iterator[str]:
    """Keys for other papers of the same name, year and word."""
    return (f"{key}_{number}" for number in range(2, 1000))


def _remarks(each: Cited) -> Iterator[str]:
    """Lines on where data are and on what cannot be cited, without the sign that begins entries."""
    whose = f"% {each.what} {each.name}"
    if each.card is None:
        yield f"{whose}: no card is at hand; cite its source by hand".replace("@", "(at)")
        return
    terms = each.card.get("terms") or each.card.get("licence") or ""
    if each.what == "data set" and each.card.get("link"):
        facts = "; ".join(filter(None, [str(each.card["link"]), str(terms)]))
        yield f"{whose}: {facts}".replace("@", "(at)")
    if not each.entries:
        yield f"{whose}: its card names no paper".replace("@", "(at)")
