"""Parser of `name(parameter=value)` terms: `dns(candidates=32)`, `popularity(negatives=32)+dns`.

Values are Python literals or bare words.
"""

import ast
import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from negbench.errors import UserError, did_you_mean, shown

C = TypeVar("C")
PRESET = "preset"
"""The word that stands for a card's named settings, as in `dns_mn(preset=released)`."""
_TERM = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*$", re.DOTALL)
_BARE = re.compile(r"[\w./:~@%*-]+")


@dataclass(frozen=True)
class Term:
    """A parsed term: a name and its parameters."""

    name: str
    values: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        """The canonical text; equal terms have equal texts."""
        return f"{self.name}({self.variant})" if self.values else self.name

    @property
    def variant(self) -> str:
        """The text of the parameters alone."""
        return ",".join(f"{key}={_value_text(value)}" for key, value in sorted(self.values))


def parse(text: str) -> Term:
    """Parse one term.

    Raises UserError if it is malformed or gives a parameter twice.
    """
    match = _TERM.match(text)
    if not match:
        raise UserError(f"a name must read like dns or dns(candidates=32); got {text!r}")
    name, inside = match.groups()
    values: dict[str, Any] = {}
    for piece in split(inside or "", ","):
        key, mark, value = piece.partition("=")
        if not mark or not key.strip().isidentifier():
            raise UserError(f"parameters must be name=value; got {piece.strip()!r} in {text!r}")
        if key.strip() in values:
            raise UserError(f"a parameter may be given once; got {key.strip()!r} twice in {text!r}")
        values[key.strip()] = literal(value.strip())
    return Term(name, tuple(sorted(values.items())))


def split(text: str, mark: str) -> list[str]:
    """Split at a mark outside brackets and quotes; empty pieces are dropped.

    Raises UserError if brackets or quotes are not closed.
    """
    pieces, depth, quote, start, escaped = [], 0, "", 0, False
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote and not escaped else quote
            escaped = char == "\\" and not escaped
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == mark and not depth:
            pieces.append(text[start:at])
            start = at + 1
        if depth < 0:
            break
    if depth or quote:
        raise UserError(f"brackets and quotes must be closed; got {text!r}")
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def settings_apart(text: str) -> tuple[str, dict[str, Any]]:
    """`dns@lr=0.1`, or `dns@(l2=0,lr=0.1)`, as the word `dns` and its settings.

    Raises UserError for settings that are malformed or given twice.
    """
    word, *behind = split(text, "@")
    if not behind and not text.strip().endswith("@"):
        return word, {}
    inside = behind[0] if len(behind) == 1 else ""
    if inside.startswith("(") and inside.endswith(")"):
        inside = inside[1:-1]
    if not inside or "@" in text.strip()[-1:]:
        raise UserError(f"settings must read like dns@lr=0.1 or dns@(l2=0,lr=0.1); got {text!r}")
    return word, dict(parse(f"settings({inside})").values)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings of training and backbone as they stand behind a word; empty where there are none."""
    inside = Term("", tuple(settings.items())).variant
    return f"@({inside})" if len(settings) > 1 else f"@{inside}" if settings else ""


def literal(text: str) -> Any:
    """Parse a value: a Python literal, true/false/none in any case, or the bare word."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def configure(config: type[C], values: Mapping[str, Any], owner: str) -> C:
    """Build a frozen Config from parsed values, with their types checked.

    Raises UserError for an unknown parameter, a wrong type or a value out of range.
    """
    hints = get_type_hints(config)
    fields = [f.name for f in dataclasses.fields(config)]  # type: ignore[arg-type]
    checked = {}
    for key, value in values.items():
        if key not in fields:
            remedy = did_you_mean(key, fields) if fields else "it takes none"
            raise UserError(f"{owner} has no parameter {key!r}; {remedy}")
        checked[key] = _checked(value, hints[key], f"{owner}({key}=...)")
    try:
        return config(**checked)
    except ValueError as error:
        raise UserError(f"{owner}: {error}") from error


def config_of(module: ModuleType, values: Mapping[str, Any], name: str) -> Any:
    """Build the Config of a plug-in's module; a module without one takes no parameters.

    `preset=NAME` among the values stands for the settings of that preset on the module's card;
    what else is typed goes over them. Raises UserError for an unknown preset or parameter.
    """
    config = getattr(module, "Config", None)
    if config is None:
        return configure(_Nothing, values, name)
    return configure(config, _with_preset(module.CARD.presets, values, name), name)


def _with_preset(
    presets: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any], name: str
) -> Mapping[str, Any]:
    """The settings of a typed preset, and over them what else was typed."""
    if PRESET not in values:
        return values
    chosen = values[PRESET]
    if not isinstance(chosen, str) or chosen not in presets:  # a list cannot be looked up
        remedy = did_you_mean(str(chosen), list(presets)) if presets else "it has none"
        raise UserError(f"{name} has no preset {chosen!r}; {remedy}")
    typed = {key: value for key, value in values.items() if key != PRESET}
    return {**presets[chosen], **typed}


@dataclass(frozen=True)
class _Nothing:
    """The Config of a plug-in that has none."""


def _checked(value: Any, hint: Any, owner: str) -> Any:
    options = get_args(hint) if get_origin(hint) is not Literal else (hint,)
    kinds = options if options and get_origin(hint) not in (tuple, list) else (hint,)
    for kind in kinds:
        fits, converted = _convert(value, kind)
        if fits:
            return converted
    expected = " or ".join(_kind_name(kind) for kind in kinds)
    raise UserError(f"{owner} must be {expected}; got {shown(value)}")


def _convert(value: Any, kind: Any) -> tuple[bool, Any]:
    if kind is type(None) or kind is None:
        return value is None, None
    if get_origin(kind) is Literal:
        return value in get_args(kind), value
    if get_origin(kind) in (tuple, list):
        return _convert_all(value, get_args(kind)[0])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float:
        return number, float(value) if number else value
    if kind is int:
        whole = number and (isinstance(value, int) or value.is_integer())
        return whole, int(value) if whole else value
    if kind is str:
        return not isinstance(value, bool | None), str(value)
    return isinstance(value, kind), value


def _convert_all(value: Any, kind: Any) -> tuple[bool, Any]:
    if not isinstance(value, tuple | list):
        return False, value
    results = [_convert(each, kind) for each in value]
    return all(fits for fits, _ in results), tuple(converted for _, converted in results)


def _kind_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) in (tuple, list):
        return f"a list, each {_kind_name(get_args(kind)[0])}"
    plain = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
    return plain.get(kind, "none" if kind in (None, type(None)) else str(kind))


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        bare = _BARE.fullmatch(value) and literal(value) == value
        return value if bare else repr(value)
    if isinstance(value, tuple | list):
        return f"[{','.join(map(repr, value))}]"
    return repr(value)
