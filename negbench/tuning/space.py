"""The search space of a row: a shared part, the backbone's own, and at most two of the method.

The shared part has one prior for every method: the learning rate, the L2 weight with a tenth of the
points at 0, and the temperature where scores are cosines. The method's own part are the first two
entries of its card's `search`; every other parameter keeps its published value. The number of
negatives a row is a factor of an experiment and not tuned. What was typed is not searched.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from negbench.composition import Recipe, recipe
from negbench.experiment.options.method_words import method_word
from negbench.parts.cosine_scores import Angular
from negbench.plugins import registry
from negbench.plugins.term_syntax import Term, parse, settings_apart, settings_text, split
from negbench.texts import encoders
from negbench.tuning.parameter import Owner, Parameter
from negbench.tuning.points import BACKBONE, OWN, SHARED, Array

LR = ("log", 1e-4, 1e-1)
L2 = ("log", 1e-8, 1e-2)
TAU = ("log", 0.03, 0.5)
"""The shared prior; a backbone's card may give its own ranges of lr and l2."""
NO_L2 = 0.1
"""The share of points without L2."""
FACTORS = ("negatives",)
"""Parameters that are factors of an experiment: never tuned."""
SIZES = ("dim",)
"""Sizes of a backbone that are the same for all rows, and so fixed."""
Ranges = Mapping[str, Mapping[str, Any]]
"""Ranges by name that take the place of a card's `search`: {"shared": {"lr": ...}, "dns": ...}."""


@dataclass(frozen=True)
class Space:
    """What is searched for one row, each parameter with its column of the unit cube."""

    row: str
    """The method or reference as it was typed, settings behind an `@` apart."""
    parameters: tuple[tuple[int, Parameter], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings behind the `@` of the row."""
    terms: Mapping[str, int] = field(default_factory=dict)
    """The term of a composition that takes each of the method's parameters, from 0."""

    def settings_at(self, point: Array) -> dict[str, Any]:
        """The value of each parameter at a point [WIDTH], by its name."""
        return {each.name: each.at(float(point[column])) for column, each in self.parameters}

    def word(self, values: Mapping[str, Any]) -> str:
        """The row with these values, as it is typed: `dns(candidates=16)@(l2=1e-05,lr=0.003)`."""
        own = {n: v for n, v in values.items() if self.owner(n) in ("method", "reference")}
        behind = {n: v for n, v in values.items() if n not in own}
        terms = [
            _filled(parse(piece), {n: v for n, v in own.items() if self.terms.get(n, 0) == at})
            for at, piece in enumerate(split(self.row, "+"))
        ]
        return "+".join(map(str, terms)) + settings_text({**self.settings, **behind})

    def owner(self, name: str) -> Owner:
        """Whose parameter it is; a setting that is not searched is one of the training."""
        owners = {each.name: each.owner for _, each in self.parameters}
        return owners.get(name, "training")


def space_of(
    text: str,
    backbone: str,
    asked: Collection[str],
    own: Ranges,
    objective: str | None = None,
) -> Space:
    """The space of a method, as typed, on a backbone.

    `asked` names the settings that were typed for the whole run: they are not searched. Nor is
    what changes nothing in a composition, or beside the `objective` that is forced on all rows.

    Raises UserError for a range of a card, or of `own`, that is malformed.
    """
    typed, settings = settings_apart(text)
    word = method_word(typed, objective, encoders.DEFAULT)
    parsed = recipe(word.method, word.objective)
    fixed = {*asked, *settings, *dict(parse(backbone).values)}
    shared = [each for each in _shared(backbone, own) if each[1].name not in fixed]
    divides = _of_temperature(parsed)
    if divides is None:
        shared = [each for each in shared if each[1].name != "tau"]
    # A parameter of the method that has the name of a shared one keeps its published value.
    taken = {*_names_of(backbone, own)} - ({"tau"} if divides is None else set())
    entries = _own(parsed, own, taken)
    parameters = (
        (len(SHARED) + BACKBONE + at, Parameter.of("method", name, entry))
        for at, (name, (_, entry)) in enumerate(entries.items())
    )
    terms = {name: of for name, (of, _) in entries.items()}
    terms |= {} if divides is None else {"tau": divides}
    return Space(typed, (*shared, *parameters), settings, terms)


def reference_space(text: str, own: Ranges) -> Space:
    """The space of a reference: the first two entries of its card's `search`."""
    term = parse(text)
    search = _search("references", term.name, own)
    typed = dict(term.values)
    entries = [(name, entry) for name, entry in search.items() if name not in typed][:OWN]
    first = len(SHARED) + BACKBONE
    kept = [(first + at, Parameter.of("reference", *each)) for at, each in enumerate(entries)]
    return Space(text, tuple(kept))


def shared_ranges(backbone: str, own: Ranges) -> dict[str, str]:
    """The ranges that all methods of a backbone share, in words."""
    return {each.name: each.text for _, each in _shared(backbone, own)}


def _shared(backbone: str, own: Ranges) -> Iterator[tuple[int, Parameter]]:
    """Learning rate, L2 and temperature, then the backbone's own, each with its column."""
    of_card = _search("backbones", parse(backbone).name, own)
    prior = {"lr": LR, "l2": L2, "tau": TAU, **{n: of_card[n] for n in SHARED if n in of_card}}
    ranges = prior | dict(own.get("shared", {}))
    for at, name in enumerate(SHARED):
        owner: Owner = "method" if name == "tau" else "training"
        yield at, Parameter.of(owner, name, ranges[name], NO_L2 if name == "l2" else 0.0)
    others = [name for name in of_card if name not in (*SHARED, *SIZES)][:BACKBONE]
    for at, name in enumerate(others):
        yield len(SHARED) + at, Parameter.of("backbone", name, of_card[name])


def _names_of(backbone: str, own: Ranges) -> Iterator[str]:
    return (each.name for _, each in _shared(backbone, own))


def _of_temperature(parsed: Recipe) -> int | None:
    """The term whose loss divides cosines by a temperature that was not typed; None without one."""
    for at, term in enumerate(parsed.terms):
        card = registry.card("methods", term.name)
        if "tau" in card.search and "transform" in card.moves and "tau" not in dict(term.values):
            transform = parsed.build().transform
            cosine = isinstance(transform, Angular) and transform.similarity == "cosine"
            return at if cosine and _counts(parsed, at, "tau", TAU) else None
    return None


def _own(parsed: Recipe, own: Ranges, taken: Collection[str]) -> dict[str, tuple[int, Any]]:
    """The first two of the cards' entries by name, each with the term that takes it.

    Those of the last term of a composition go first. Names that are typed in a term or `taken` are
    left out, and so is what changes nothing.
    """
    entries: dict[str, tuple[int, Any]] = {}
    for at, term in reversed(list(enumerate(parsed.terms))):
        fixed = {*dict(term.values), *FACTORS, *taken, *entries}
        search = _search("methods", term.name, own)
        entries |= {
            name: (at, entry)
            for name, entry in search.items()
            if name not in fixed and _counts(parsed, at, name, entry)
        }
    return dict(list(entries.items())[:OWN])


def _counts(parsed: Recipe, at: int, name: str, entry: Any) -> bool:
    """Whether a parameter of a term changes what is trained, at an end of its range.

    One method with the objective of its own reads all of its parameters.
    """
    if len(parsed.terms) == 1 and parsed.objective is None:
        return True
    parameter = Parameter.of("method", name, entry)
    return parsed.moved_by(at, name, (parameter.at(end) for end in (0.0, 0.999)))


def _search(family: str, name: str, own: Ranges) -> Mapping[str, Any]:
    """The entries of a card, or those that a space file gives in their place."""
    given = own.get(name)
    return registry.card(family, name).search if given is None else given


def _filled(term: Term, values: Mapping[str, Any]) -> Term:
    """A term with these values of its parameters."""
    return replace(term, values=tuple(sorted({**dict(term.values), **values}.items())))
