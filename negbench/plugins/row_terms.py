"""What to type to get a recorded cell again: its method and its backbone as canonical terms.

A spec keeps names (`popularity+dns`) apart from the parameters that were typed (`negatives=32`),
and does not say whose they are. They are put together again by the settings in full, which the
spec keeps by method. Where two readings remain their cells have one hash, so either is right.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from negbench.errors import UserError
from negbench.plugins import registry
from negbench.plugins.card import Card
from negbench.plugins.term_syntax import PRESET, literal, split

SETTINGS = ("lr", "l2", "dim", "batch_size", "epochs", "patience", "time_limit")
"""Training settings that a word may carry behind an @: `dns@lr=0.1`."""
FOR_ALL = ("objective", "encoder")
"""Settings of a whole training that a term may name too: `dns(objective=bpr)`."""


def backbone_term(spec: Mapping[str, Any]) -> str:
    """The backbone as it was typed: `mf`, or `mf(dim=32)`."""
    return _term(str(spec["backbone"]), [str(spec.get("backbone_variant") or "")])


def method_term(spec: Mapping[str, Any]) -> str:
    """The method as it is typed, with the objective and the encoder of its cell where not default.

    Older and foreign records that hold too little for it keep their words: `name(variant)`.
    """
    names = str(spec["method"]).split("+")
    try:
        typed, shared = _pieces(spec)
        typed = _by_method(names, typed, spec.get("method_config"))
    except UserError:
        return _term(str(spec["method"]), [str(spec.get("variant") or "")])
    terms = [_term(name, [each]) for name, each in zip(names, typed, strict=True)]
    return "+".join([*terms[:-1], _term(names[-1], [typed[-1], *shared])])


def cell_words(spec: Mapping[str, Any]) -> str:
    """Data set, backbone, method and seed of a recorded cell: `goodbooks mf dns/0`."""
    return f"{spec['dataset']} {backbone_term(spec)} {method_term(spec)}/{spec['seed']}"


def _term(name: str, inside: Sequence[str]) -> str:
    text = ",".join(filter(None, inside))
    return f"{name}({text})" if text else name


def _pieces(spec: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The typed parameters, one text a method that has any, and those of the whole training."""
    typed, shared = split(str(spec.get("variant") or ""), ";"), []
    if typed and spec.get("texts") and typed[-1].startswith("encoder="):
        shared = [typed.pop()]
    if typed and spec.get("objective") and typed[-1].startswith("objective="):
        typed.pop()  # the spec has it to the letter, and so does the hash
        shared = [f"objective={spec['objective']}", *shared]
    return typed, shared


def _by_method(names: Sequence[str], typed: Sequence[str], configs: Any) -> list[str]:
    """The typed parameters of each method in turn, "" where it has none.

    Raises UserError if no method can be their owner.
    """
    known = configs if isinstance(configs, Mapping) else {}
    places = list(combinations(range(len(names)), len(typed)))
    fits = [
        place
        for place in places
        if all(_fits(names[at], known, text) for at, text in zip(place, typed, strict=True))
    ]
    if len(places) != 1 and not fits:
        raise UserError(f"parameters must have a method; got {typed} for {names}")
    owners = dict(zip((fits or places)[0], typed, strict=True))
    return [owners.get(at, "") for at in range(len(names))]


def _fits(name: str, configs: Mapping[str, Any], typed: str) -> bool:
    """Whether a method's settings in full are what was typed.

    A record has neither the word of a preset, nor a later setting at its default.
    """
    config = configs.get(name)
    if not isinstance(config, Mapping):
        return False
    card = registry.card("methods", name) if name in registry.names("methods") else Card(name)
    pairs = [piece.partition("=") for piece in split(typed, ",")]
    return all(
        _same(literal(text), config[key])
        if key in config
        else key in card.later or (key == PRESET and text in card.presets)
        for key, _, text in pairs
    )


def _same(typed: Any, full: Any) -> bool:
    if isinstance(typed, list | tuple) and isinstance(full, list | tuple):
        return len(typed) == len(full) and all(map(_same, typed, full))
    return bool(typed == full) or str(typed) == str(full)
