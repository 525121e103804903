"""Conformance checks of a method's card, docstring and Config."""

import dataclasses
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from negbench.errors import UserError
from negbench.plugins import registry
from negbench.plugins.card import Card
from negbench.plugins.term_syntax import PRESET, config_of, parse
from negbench.protocol.interfaces import Method

SPACES = ("int", "float", "log")


def card_is_literal(module: ModuleType) -> Card:
    """`CARD = Card(...)` is readable from the source without import, with the same values.

    Raises AssertionError if not.
    """
    card = getattr(module, "CARD", None)
    assert isinstance(card, Card), "the module must hold CARD = Card(title=...)"
    try:
        read = registry.read_card(Path(module.__file__)) if module.__file__ else card
    except UserError as error:
        raise AssertionError(str(error)) from error
    assert read == card, f"CARD must read from the source as it runs; got {read} and {card}"
    return card


def card_matches_parts(card: Card, method: Method) -> None:
    """The method has the parts that the card's `moves` names."""
    assert card.moves, "card `moves` must name a choice that the method is about; got none"
    if "stages" in card.moves:
        assert method.stages, "card `moves` names stages, but the method has none"
    if "transform" in card.moves:
        assert method.transform is not None, "card `moves` names transform, but there is none"


def search_space_is_valid(card: Card, module: ModuleType) -> None:
    """Every field of the search space is a setting, and Config accepts its end values.

    Raises AssertionError if not.
    """
    config = getattr(module, "Config", None)
    fields = {f.name for f in dataclasses.fields(config)} if config else set()
    for name, space in card.search.items():
        assert name in fields, f"search field {name!r} must be a setting of Config; got {fields}"
        for value in _ends(name, space):
            try:
                if config:
                    config(**{name: value})
            except ValueError as error:
                raise AssertionError(
                    f"search value {name}={value!r} is refused: {error}"
                ) from error


def controls_can_be_run(card: Card, module: ModuleType) -> None:
    """Every control of the card can be typed: settings of this method that Config accepts.

    Raises AssertionError if not.
    """
    for control, meaning in card.controls.items():
        assert meaning.strip(), f"the card must say what the control {control} shows"
        try:
            term = parse(control)
            config_of(module, dict(term.values), term.name)
        except UserError as error:
            raise AssertionError(f"control {control!r} cannot be run: {error}") from error


def presets_can_be_typed(card: Card, module: ModuleType) -> None:
    """Every preset of the card holds settings that Config accepts, none of them called "preset".

    Raises AssertionError if not.
    """
    config = getattr(module, "Config", None)
    fields = {f.name for f in dataclasses.fields(config)} if config else set()
    assert PRESET not in fields, f"{PRESET!r} is the word for presets; rename the setting"
    for name, values in card.presets.items():
        assert values, f"preset {name!r} must set something"
        try:
            config_of(module, values, name)
        except UserError as error:
            raise AssertionError(f"preset {name!r} cannot be typed: {error}") from error


def later_settings_exist(card: Card, module: ModuleType) -> None:
    """Every setting that the card calls later is one of Config, with a default.

    Raises AssertionError if not.
    """
    config = getattr(module, "Config", None)
    usual = {f.name: f.default for f in dataclasses.fields(config)} if config else {}
    for name in card.later:
        assert name in usual, f"later setting {name!r} must be one of Config; got {list(usual)}"
        assert usual[name] is not dataclasses.MISSING, f"later setting {name!r} needs a default"


def config_is_plain(module: ModuleType) -> None:
    """Config is a frozen dataclass, every field has a default, and it serialises to JSON.

    Raises AssertionError if not.
    """
    config: Any = getattr(module, "Config", None)
    if config is None:
        return
    params = getattr(config, "__dataclass_params__", None)
    assert params is not None, "Config must be a dataclass"
    assert params.frozen, "Config must be frozen: @dataclass(frozen=True)"
    try:
        defaults = config()
    except TypeError as error:
        raise AssertionError(f"every field of Config must have a default: {error}") from error
    try:
        json.dumps(dataclasses.asdict(defaults))
    except TypeError as error:
        raise AssertionError(f"Config must hold plain values, for the record: {error}") from error


def docstring_has_formula_and_cost(module: ModuleType) -> None:
    """The module's docstring has a formula on an indented line and the cost of a step."""
    text = module.__doc__ or ""
    assert re.search(r"^    \S.*[=~]", text, re.MULTILINE), (
        "the docstring must give the formula on a line of its own, set in by four spaces"
    )
    assert re.search(r"\bcost", text, re.IGNORECASE), "the docstring must say what a step costs"


def _ends(name: str, space: tuple[Any, ...]) -> list[Any]:
    kind, *values = space
    if kind == "of":
        assert values, f"search {name!r} must give values after 'of'; got {space}"
        return values
    assert kind in SPACES and len(values) == 2 and values[0] < values[1], (
        f"search {name!r} must be ('int' | 'float' | 'log', low, high) or ('of', ...); got {space}"
    )
    assert kind != "log" or values[0] > 0, f"a log search starts above 0; got {name} {space}"
    return values
