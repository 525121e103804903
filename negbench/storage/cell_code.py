"""The code that a cell names: the plug-ins of its resolved spec, and the hash of each one's source.

A spec holds `code` only where it names plug-ins that are not negbench's own:
{"methods": {"mine": "3f2a0b1c2d3e"}}. The record of a cell holds the same of built-ins, beside its
spec: their source is no part of a cell's identity.
"""

from collections.abc import Mapping
from typing import Any

from negbench.plugins.term_syntax import split

CODE = "code"
"""The entry of a spec, and of a record."""
MEASURES = ("objectives", "metrics", "probes")
"""Families whose built-ins have no file of their own: only plug-ins of them have a code."""
FAMILIES = ("datasets", "backbones", "methods", "references", *MEASURES)
Key = tuple[str, str]
"""A family and a name in it; of a data set the name that rows have, with its parameters."""


def named(spec: Mapping[str, Any]) -> list[Key]:
    """The backbone and the methods, or the reference, that a resolved spec names."""
    if spec["backbone"] == "reference":
        return [("references", str(spec["method"]))]
    methods = str(spec["method"]).split("+")
    return [("backbones", str(spec["backbone"])), *(("methods", name) for name in methods)]


def measures(spec: Mapping[str, Any]) -> list[Key]:
    """The objective, the metrics and the probes that a resolved spec names, also built-in ones."""
    budget = spec["train"] or {}
    metrics = dict.fromkeys([*spec["metrics"], *filter(None, [budget.get("select")])])
    words = {
        "objectives": [str(spec["objective"])] if spec.get("objective") else [],
        "metrics": [str(metric).partition("@")[0] for metric in metrics],
        "probes": split(str(spec.get("probe", "")), ","),
    }
    return [(f, word.partition("(")[0].strip()) for f in words for word in words[f]]


def code_of(spec: Mapping[str, Any]) -> dict[Key, str]:
    """The hash of the source of everything that a spec names, its data set too.

    It is "" for built-ins, and for plug-ins in cells of versions that did not keep it.
    """
    data = ",".join(hashes(spec, "datasets").values())
    own = {key: hashes(spec, key[0]).get(key[1], "") for key in named(spec)}
    measures = {(f, name): code for f in MEASURES for name, code in hashes(spec, f).items()}
    return {("datasets", str(spec["dataset"])): data, **own, **measures}


def hashes(holder: Mapping[str, Any], family: str) -> dict[str, str]:
    """The hashes of one family in a spec or a record, by name; whatever else is there is none."""
    entry = holder.get(CODE)
    known = entry.get(family) if isinstance(entry, Mapping) else None
    return {str(k): str(v) for k, v in known.items()} if isinstance(known, Mapping) else {}


def in_words(key: Key) -> str:
    """`method mine`, or `data set shop`."""
    family, name = key
    return f"{'data set' if family == 'datasets' else family.removesuffix('s')} {name}"
