"""Composition of methods: parse `popularity(negatives=32)+dns` and build a Method to train."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from negbench.composed_method import compose, movers, same_method
from negbench.errors import UserError, did_you_mean, shown
from negbench.parts.losses.objectives import OBJECTIVES
from negbench.plugins import registry
from negbench.plugins.card import Card, recorded
from negbench.plugins.term_syntax import PRESET, Term, config_of, configure, parse, split
from negbench.protocol.interfaces import Method, Objective
from negbench.texts.language_models import recorded_term

NO_NEGATIVES = "no_negatives"
"""The family of methods whose loss takes no negatives."""
OF_ROWS = ("denoising",)
"""Families whose stages weigh rows by their positives: they need no negatives."""


class NothingToCompare(UserError):
    """An objective is forced on a method that draws no negatives."""


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
        typed = [recorded_term(term).variant for term in self.terms if term.values]
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
        pairs = zip(self.terms, self.cards, strict=True)
        return {term.name: recorded(_config(term), card) for term, card in pairs}

    def check(self) -> None:
        """Check parameters, choices and objective without building any part.

        Raises UserError for a parameter that is unknown or out of range, for an unknown objective,
        if two methods set the same choice, and if negatives would be needed where none are drawn.
        """
        self.configs()
        movers(self.cards, self.cards, str(self))
        if self.objective is not None:
            objective(self.objective)
        self._check_negatives()

    def _check_negatives(self) -> None:
        """A method without negatives leaves nothing to an objective or a stage that acts on them.

        Its training would go on all the same, on constants or with a stage that changes nothing.
        """
        cards = dict(zip((term.name for term in self.terms), self.cards, strict=True))
        free = next((name for name, card in cards.items() if card.family == NO_NEGATIVES), None)
        if free is None:
            return
        if self.objective is not None:
            raise NothingToCompare(
                f"objective {self.objective} needs negatives, and method {free} draws none, so "
                "nothing would be compared; leave the objective out, or take a method that "
                "samples, as random"
            )
        for name, card in cards.items():
            if "stages" in card.moves and card.family not in (NO_NEGATIVES, *OF_ROWS):
                raise UserError(
                    f"method {name} acts on negatives, and method {free} draws none, so {name} "
                    f"would change nothing; take one of them alone; got {str(self)!r}"
                )

    def check_typed(self) -> None:
        """What is typed beside another method or a forced objective must change what is trained.

        In `popularity+dns_mn(candidates=64)` the candidates are popularity's, so the 64 would be
        dropped in silence. A default that is typed is let be. Raises UserError.
        """
        if len(self.terms) == 1 and self.objective is None:
            return
        built = self.build()
        for at, term in enumerate(self.terms):
            for name in (name for name, _ in term.values if name != PRESET):
                without = self._with(at, {k: v for k, v in term.values if k != name})
                if without is None or without.configs() == self.configs():
                    continue
                if same_method(built, without.build()):
                    raise UserError(self._changes_nothing(term, name))

    def _changes_nothing(self, term: Term, name: str) -> str:
        others = [each.name for each in self.terms if each is not term]
        forced = [] if self.objective is None else [f"--objective {self.objective}"]
        remedy = f", or type a parameter of it (negbench info {others[0]})" if others else ""
        return (
            f"{name} of {term.name} changes nothing beside {' and '.join(others + forced)}, which "
            f"sets that part; leave it out{remedy}; got {str(self)!r}"
        )

    def moved_by(self, at: int, name: str, values: Iterable[Any]) -> bool:
        """Whether a parameter of term `at` changes what is trained, at one of these values.

        A value that does not go with the term's others counts as a change.
        """
        built = self.build()
        others = (self._with(at, {**dict(self.terms[at].values), name: value}) for value in values)
        return any(each is None or not same_method(built, each.build()) for each in others)

    def _with(self, at: int, values: Mapping[str, Any]) -> "Recipe | None":
        """The recipe with these values of term `at`; None where they do not go together."""
        term = replace(self.terms[at], values=tuple(sorted(values.items())))
        try:
            _config(term)
        except UserError:
            return None
        return replace(self, terms=(*self.terms[:at], term, *self.terms[at + 1 :]))

    def build(self) -> Method:
        """Fresh parts, composed."""
        methods = [registry.load("methods", term.name).build(_config(term)) for term in self.terms]
        method = methods[0] if len(methods) == 1 else compose(methods, self.cards, str(self))
        if self.objective is not None:
            method = replace(method, objective=objective(self.objective))
        return method


def recipe(text: str, forced: str | None = None) -> Recipe:
    """Parse a method as a user typed it, and check it before any training.

    Raises UserError for an unknown name, parameter or objective, and for a wrong composition.
    """
    terms = tuple(parse(piece) for piece in split(text, "+"))
    if not terms:
        raise UserError(f"a method needs a name; got {text!r}; see negbench list methods")
    for term in terms:
        registry.require("methods", term.name)
    parsed = Recipe(terms, parse(forced) if forced else None)
    if len(set(term.name for term in terms)) < len(terms):
        raise UserError(f"a composition takes each method once; got {text!r}")
    parsed.check()
    parsed.check_typed()
    return parsed


def _config(term: Term) -> Any:
    return config_of(registry.load("methods", term.name), dict(term.values), term.name)


def objective(term: Term) -> Objective:
    """An objective by its name, for `--objective`; built in, or of a plug-in.

    Raises UserError for an unknown name or parameter, and for a plug-in that builds none.
    """
    if term.name in OBJECTIVES:
        return configure(OBJECTIVES[term.name], dict(term.values), term.name)
    own = registry.added("objectives")
    if term.name not in own:
        what = did_you_mean(term.name, sorted([*OBJECTIVES, *own]))
        raise UserError(f"--objective must be a known objective; got {term.name!r}; {what}")
    module = registry.load("objectives", term.name)
    built = module.build(config_of(module, dict(term.values), term.name))
    if not isinstance(built, Objective):
        raise UserError(
            f"build of objective {term.name} must return an object with a method rows(step, s_pos, "
            f"s_neg, negatives); got {shown(built)}"
        )
    return built
