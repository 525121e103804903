"""A method as it is typed, taken apart: its terms, and the objective and encoder that they name.

`dns(objective=bpr)` is `dns` trained with `--objective bpr`, so that one run may compare both. What
a term names goes before the option; a parameter of the method itself that has such a name is its
own. Settings of the training and of the backbone stand behind an `@`, and go before the options
too: `dns@(layers=2,lr=0.1)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.experiment.options.training_settings import budget
from negbench.experiment.options.value_parsers import encoder as encoder_word
from negbench.plugins import registry
from negbench.plugins.row_terms import FOR_ALL, SETTINGS
from negbench.plugins.term_syntax import Term, parse, settings_apart, split
from negbench.texts import encoders


@dataclass(frozen=True)
class MethodWord:
    """A method's terms, and the settings that its training takes beside them."""

    method: str
    objective: str | None
    encoder: str
    train: Mapping[str, Any] = field(default_factory=dict)
    """The training settings behind the `@`, those of the options apart."""
    backbone: Mapping[str, Any] = field(default_factory=dict)
    """The other settings behind the `@`: parameters of the backbone that is trained."""

    @property
    def settings(self) -> dict[str, Any]:
        """All that stands behind the `@`."""
        return {**self.train, **self.backbone}


def method_word(text: str, objective: str | None, encoder: str) -> MethodWord:
    """Read a method as typed; `objective` and `encoder` are those of the options.

    Raises UserError if two terms name different ones, an encoder is given to no reader of texts, or
    a training setting behind the `@` is out of range.
    """
    text, settings = settings_apart(text)
    train = budget({name: value for name, value in settings.items() if name in SETTINGS})
    rest = {name: value for name, value in settings.items() if name not in SETTINGS}
    named: dict[str, Any] = {}
    terms = []
    for term in map(parse, split(text, "+")):
        shared = {key: value for key, value in term.values if _is_shared(term.name, key)}
        for key, value in shared.items():
            if named.setdefault(key, value) != value:
                raise UserError(
                    f"a method is trained with one {key}; got {named[key]!r} and {value!r} in "
                    f"{text!r}; leave one out"
                )
        kept = tuple(pair for pair in term.values if pair[0] not in shared)
        terms.append(str(Term(term.name, kept)))
    if not named:
        return MethodWord(text, objective, encoder, train, rest)
    method = "+".join(terms)
    return MethodWord(
        method,
        _objective(named["objective"]) if "objective" in named else objective,
        _encoder(named["encoder"], method, encoder) if "encoder" in named else encoder,
        train,
        rest,
    )


def _is_shared(name: str, key: str) -> bool:
    """Whether a parameter is one of the whole training, and none of the method itself."""
    if key not in FOR_ALL or name not in registry.names("methods"):
        return False
    config = getattr(registry.load("methods", name), "Config", None)
    return config is None or key not in {each.name for each in fields(config)}


def _objective(value: Any) -> str | None:
    return None if value is None else str(value)


def _encoder(value: Any, method: str, default: str) -> str:
    """The encoder as an option has it; a file may also go by its identity, as rows are labelled."""
    if "texts" not in recipe(method).needs:
        raise UserError(f"{method} reads no texts, so it takes no encoder; got {value!r}")
    text = str(value)
    if text == encoders.label(default):
        return default
    word = encoder_word(text, "encoder")
    encoders.encoder_of(word)  # a wrong one is refused before data are loaded
    return word
