"""The page of `info`: card, parameters and docstring of a plug-in, folded to 100 columns."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from negbench.plugins.search_range import in_words

WIDTH, LABEL = 100, 14
LABELS = {
    "moves": "changes",
    "provenance": "written from",
    "differs": "deviates",
    "search": "search space",
    "needs": "requires",
    "provides": "offers",
}
"""Fields of a card that a reader knows under another word."""
HIDDEN = ("name", "kind", "parameters", "says", "later", "presets")
"""What stands elsewhere on the page, or is of no use to a reader."""


def info_page(name: str, kind: str, facts: Mapping[str, Any], presets: list[str]) -> str:
    """The page of a plug-in from its facts, as `--json` has them, and its presets as typed."""
    lines = [f"{name}   ({kind})"]
    for key, value in facts.items():
        if key == "search":
            value = ", ".join(f"{each} {in_words(k, v)}" for each, (k, *v) in value.items())
        if value and key not in HIDDEN:
            lines += _labelled(LABELS.get(key, key), plain(value))
    for preset in presets:
        lines += _labelled("preset", preset)
    for each in facts["parameters"]:
        start = f"{each['name']}: {each['type']} = {each['default']}"
        lines += _folded(f"  {start}   {each['says']}", 6)
    return "\n".join([*lines, "", facts["says"]]).rstrip()


def plain(value: Any) -> str:
    """A value of a card in words: lists by spaces, large numbers with commas."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(inner)}" for key, inner in value.items())
    if isinstance(value, tuple | list):
        return " ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)


def _labelled(label: str, text: str) -> Iterator[str]:
    return _folded(f"  {label:{LABEL}}{text}", LABEL + 2)


def _folded(text: str, indent: int) -> Iterator[str]:
    wrap = textwrap.TextWrapper(
        WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    yield from wrap.wrap(text.rstrip())
