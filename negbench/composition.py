"""Recipes: from what a user typed, `popularity(negatives=32)+dns`, to a Method ready to train.

Each card says which of the four choices its method is about (`moves`). In a composition a choice
comes from the method that moves it, stages line up in the order typed, and what nobody moves comes
from the last one.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from negbench.errors import UserError, did_you_mean
from negbench.parts.losses.objectives import OBJECTIVES
from negbench.plugins import registry
from negbench.plugins.card import Card
from negbench.plugins.term_syntax import Term, config_of, configure, parse, split
from negbench.protocol.interfaces import Method, Objective
from negbench.texts.language_models import marked


@dataclass(frozen=True)
class Recipe:
    """One method, or several composed, with their parameters and perhaps a forced objective."""

    terms: tuple[Term, ...]
    objective: Term | None = None

    @property
    def name(self) -> str:
        """The registry names, joined by +."""
        return "+".join(term.name for term in self.terms)

    @property
    def variant(self) -> str:
        """The parameters that were typed, and the objective where one is forced.

        A folder with a language model goes by what it holds.
        """
        typed = [marked(term).variant for term in self.terms if term.values]
        return ";".join(typed + ([f"objective={self.objective}"] if self.objective else []))

    def __str__(self) -> str:
        """What to type to get it again (the objective apart)."""
        return "+".join(map(str, self.terms))

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards of its methods."""
        return tuple(registry.card("methods", term.name) for term in self.terms)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the backbone or the data must provide."""
        return tuple(sorted({need for card in self.cards for need in card.needs}))

    def configs(self) -> dict[str, Any]:
        """Every setting, defaults too, by method: what the record keeps."""
        made = {
            term.name: config_of(registry.load("methods", term.name), dict(term.values), term.name)
            for term in self.terms
        }
        return {name: asdict(config) for name, config in made.items()}

    def build(self) -> Method:
        """Fresh parts, composed."""
        made = []
        for term in self.terms:
            module = registry.load("methods", term.name)
            made.append(module.build(config_of(module, dict(term.values), term.name)))
        method = made[0] if len(made) == 1 else compose(made, self.cards, str(self))
        if self.objective is not None:
            method = replace(method, objective=objective(self.objective))
        return method


def recipe(text: str, forced: str | None = None) -> Recipe:
    """Read what a user typed; what is unknown is refused here, before any training."""
    terms = tuple(parse(piece) for piece in split(text, "+"))
    if not terms:
        raise UserError(f"a method needs a name; got {text!r}; see negbench list methods")
    for term in terms:
        registry.require("methods", term.name)
    made = Recipe(terms, parse(forced) if forced else None)
    if len(set(term.name for term in terms)) < len(terms):
        raise UserError(f"a composition takes each method once; got {text!r}")
    made.build()
    return made


def objective(term: Term) -> Objective:
    """An objective by its name, for `--objective`."""
    if term.name not in OBJECTIVES:
        what = did_you_mean(term.name, sorted(OBJECTIVES))
        raise UserError(f"--objective must be a known objective; got {term.name!r}; {what}")
    return configure(OBJECTIVES[term.name], dict(term.values), term.name)


def compose(methods: list[Method], cards: Iterable[Card], text: str) -> Method:
    """One method out of several: each choice from the one that moves it."""
    movers: dict[str, list[Method]] = {}
    for method, card in zip(methods, cards, strict=True):
        for choice in card.moves:
            movers.setdefault(choice, []).append(method)
    for choice in ("sampler", "objective", "transform"):
        if len(movers.get(choice, [])) > 1:
            raise UserError(f"only one method of a composition may set the {choice}; got {text!r}")

    def owner(choice: str) -> Method:
        return movers.get(choice, methods)[-1]

    staged = movers.get("stages") or [methods[-1]]
    return Method(
        sampler=owner("sampler").sampler,
        stages=tuple(stage for method in staged for stage in method.stages),
        objective=owner("objective").objective,
        transform=owner("transform").transform,
    )
