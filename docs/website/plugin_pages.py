"""A page for each method, backbone, reference and data set, from its docstring, card and Config."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path

from docstring_markdown import escaped, module_text, prose, table
from generate import ROOT, families, spelt, words

from negbench.cli.catalogue import parameters
from negbench.plugins import registry
from negbench.plugins.card import Card
from negbench.plugins.search_range import in_words
from website.cards import cards
from website.study import results_of

KINDS = ("methods", "backbones", "references", "datasets")
FROM = {
    "paper": "the paper",
    "code": "the authors' code",
    "specification": "specification: the idea as the paper or others state it",
    "ours": "ours",
}
"""What `provenance` of a card says, in words."""
RUN = {
    "methods": "negbench run -m random,{} -d goodbooks",
    "backbones": "negbench run -b {} -m random -d goodbooks",
    "references": "negbench run --references {} -m random -d goodbooks",
    "datasets": "negbench run -d {} -m random",
}
"""How each is named on the command line."""


def plugin_pages(kind: str) -> dict[str, str]:
    """The pages of all plug-ins of a kind, by name."""
    return {name: "\n".join(page(kind, name, card)) for name, card in cards(kind).items()}


def in_families(kind: str) -> list[str]:
    """The names of a kind's plug-ins, family by family in the order of the tables."""
    known = cards(kind)
    return [name for each in families(known) for name, card in known.items() if card.family == each]


def page(kind: str, name: str, card: Card) -> Iterator[str]:
    """One plug-in: what it is, its card, settings, what it runs with, results and source."""
    path = registry.source(kind, name)
    if path is None:
        raise FileNotFoundError(f"{kind} {name} has no file")
    yield f"# {name}\n"
    yield from prose(module_text(path))
    yield table(["", ""], facts(kind, card))
    yield f"```sh\n{RUN[kind].format(name)}\n```\n"
    yield from settings(card, path)
    yield from presets(name, card)
    if kind == "methods":
        yield from where_it_runs(card)
    if kind == "backbones":
        yield from what_it_trains(card)
    if kind in ("methods", "references"):
        yield from results_of(name)
    yield from source(path)


def facts(kind: str, card: Card) -> Iterator[tuple[str, str]]:
    """The lines of the card that are known."""
    at = f"[{card.link}]({card.link})" if card.link else ""
    cited = ", ".join(part for part in (escaped(card.citation).strip(), at) if part)
    lines = {
        "title": escaped(card.title),
        "published" if kind == "datasets" else "paper": cited,
        "family": card.family if kind in ("methods", "datasets") else "",
        "changes": words(card.moves),
        "needs": words(card.needs),
        "provides": words(card.provides),
        "size": f"{card.size} (users x items; interactions)" if card.size else "",
        "licence": card.licence,
        "terms": escaped(card.terms),
        "written from": FROM[card.provenance] if kind != "datasets" else "",
        "differs from the paper": escaped(card.differs),
    }
    yield from ((f"**{key}**", value.strip()) for key, value in lines.items() if value.strip())


def settings(card: Card, path: Path) -> Iterator[str]:
    """Every field of the Config: type, default, the range that a search takes, meaning."""
    rows = [
        (f"`{field}`", f"`{spelt(hint, path)}`", f"`{default}`", _range(card, field), meaning)
        for field, hint, default, meaning in map(astuple, parameters(path))
    ]
    if rows:
        yield "## Settings\n"
        yield table(["setting", "type", "default", "searched", "meaning"], rows)


def _range(card: Card, field: str) -> str:
    """The range of a setting in the search of `negbench tune`; empty where it is not searched."""
    if field not in card.search:
        return ""
    kind, *values = card.search[field]
    return f"`{in_words(kind, values)}`"


def presets(name: str, card: Card) -> Iterator[str]:
    """Named settings, and the rows to run beside a method."""
    lines = []
    for line in card.preset_lines(name):
        typed, _, meaning = line.partition("  ")
        lines.append(f"- Preset `{typed}`: `{meaning}`.")
    for control, meaning in card.controls.items():
        lines.append(f"- Control, to run beside it: `{control}`, {escaped(meaning).strip()}.")
    if lines:
        yield "\n".join([*lines, ""])


def where_it_runs(card: Card) -> Iterator[str]:
    """The backbones that a method can be trained on, and what it asks of the data."""
    fits = fitting(card)
    yield "## Backbones\n"
    missing = [name for name in cards("backbones") if name not in fits]
    yield f"Runs on {_linked('backbones', fits)}" + (
        f"; not on {_linked('backbones', missing)}.\n" if missing else ".\n"
    )
    for need in card.needs:
        if sets := [n for n, data in cards("datasets").items() if need in data.provides]:
            yield f"Needs data with {need}: {_linked('datasets', sets)}, or your own.\n"


def what_it_trains(card: Card) -> Iterator[str]:
    """The methods that can be trained on a backbone."""
    methods = cards("methods")
    fits = [name for name, each in methods.items() if _fits(each, card)]
    missing = [name for name in methods if name not in fits]
    yield "## Methods\n"
    yield f"Trains {_linked('methods', fits)}" + (
        f"; not {_linked('methods', missing)}, which need more than it provides.\n"
        if missing
        else ".\n"
    )


def fitting(method: Card) -> list[str]:
    """The backbones that provide what a method needs of its backbone."""
    return [name for name, card in cards("backbones").items() if _fits(method, card)]


def _fits(method: Card, backbone: Card) -> bool:
    """Whether a method's needs are met; what no backbone provides is a matter of the data."""
    offers = {word for card in cards("backbones").values() for word in card.provides}
    return not {need for need in method.needs if need in offers} - set(backbone.provides)


def _linked(kind: str, names: Iterable[str]) -> str:
    return ", ".join(f"[`{name}`](../{kind}/{name}.md)" for name in names)


def source(path: Path) -> Iterator[str]:
    """The file itself, folded away."""
    yield "## Source\n"
    where = path.relative_to(ROOT).as_posix()
    yield f"<details><summary><code>{where}</code></summary>\n"
    yield f"````python\n{path.read_text('utf-8').rstrip()}\n````\n"
    yield "</details>\n"
