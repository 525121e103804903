"""The card, the formula and the BibTeX of each method, for the report."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from negbench.errors import UserError
from negbench.plugins import registry
from negbench.plugins.bibtex import bibtex

from ..runs.frames import REFERENCE, Run


@dataclass(frozen=True)
class MethodCard:
    """A method's card with its formula and BibTeX entry."""

    name: str
    card: Mapping[str, Any]
    formula: str
    bibtex: str


def method_cards(run: Run) -> list[MethodCard]:
    """Each method once, by name; a composition gives the card of each of its parts."""
    cards: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for cell in run.cells:
        family = "references" if cell.spec["backbone"] == REFERENCE else "methods"
        for name, card in _cards(str(cell.spec["method"]), cell.record):
            cards[name] = (family, card)
    return [
        MethodCard(name, card, _formula(family, name, card), bibtex(name, card))
        for name, (family, card) in sorted(cards.items())
    ]


def _cards(method: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    names = [re.sub(r"\(.*", "", part).strip() for part in method.split("+")]
    cards = [card for card in record.get("cards") or () if isinstance(card, Mapping)]
    if len(names) == len(cards) > 1:
        yield from zip(names, cards, strict=True)
    else:
        yield method, record.get("card") or {}


def _formula(family: str, name: str, card: Mapping[str, Any]) -> str:
    """The indented lines of the plug-in's docstring, if it is still the one that ran."""
    try:
        if registry.card(family, name).title != card.get("title"):
            return ""
        text = registry.docstring(family, name)
    except (UserError, OSError, ValueError, SyntaxError):
        return ""  # a plug-in of the run that is not here now
    return "\n".join(line[4:].rstrip() for line in text.splitlines() if line.startswith("    "))
