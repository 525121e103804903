"""The cards of all plug-ins, read once a build."""

from functools import cache

from generate import plugins

from negbench.plugins.card import Card


@cache
def cards(kind: str) -> dict[str, Card]:
    """The cards of this repository's plug-ins of a kind, by name."""
    return plugins(kind)
