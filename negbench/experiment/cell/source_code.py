"""Source code of what a cell names: a user's plug-ins are part of its identity, built-ins noted.

A built-in is known by the version of negbench, and the hash of its source shows in the record where
that has changed within one version.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from negbench.data.dataset_words import is_file, looks_like_path
from negbench.plugins import registry
from negbench.storage.cell_code import CODE, FAMILIES, Key, measures, named

Code = dict[str, dict[str, str]]
"""Family, name, hash of the source."""


def of_plugins(dataset: str, resolved: Mapping[str, Any]) -> dict[str, Code]:
    """The entry of a spec: plug-ins that are not negbench's own; empty where it names none.

    `dataset` is the word that was typed for it.
    """
    code: Code = {}
    for family, name in (*_data_set(dataset), *named(resolved), *measures(resolved)):
        # It is asked for built-ins too, for their hash to be that of the code that is imported now.
        if (digest := registry.code(family, name)) and not registry.is_packaged(family, name):
            code.setdefault(family, {})[name] = digest
    return {CODE: {family: code[family] for family in FAMILIES if family in code}} if code else {}


def of_builtins(resolved: Mapping[str, Any]) -> dict[str, Code]:
    """The entry of a record: negbench's own methods, backbone or reference."""
    code: Code = {}
    for family, name in named(resolved):
        if registry.is_packaged(family, name) and (digest := registry.code(family, name)):
            code.setdefault(family, {})[name] = digest
    return {CODE: code} if code else {}


def _data_set(word: str) -> Iterator[Key]:
    """The data set of the registry that a word names; none for a file or data in memory."""
    name = word.strip().partition("(")[0].strip()
    if name in registry.names("datasets") and not (is_file(word) or looks_like_path(word)):
        yield "datasets", name
