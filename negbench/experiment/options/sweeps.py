"""Sweeps: a list of values where one is asked for makes a row of each.

`dns(candidates=[2,4])` is two rows of one method, and several lists are their product. A list of a
backbone, `mf(lr=[0.001,0.01])`, or of a training option, `--lr 0.001,0.01`, is one of every row: it
goes behind the `@` of each method, so that the block stays `mf`. A method that has the setting
behind its own `@` keeps it. A parameter that takes a list keeps its list.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, get_args, get_origin, get_type_hints

from negbench.errors import UserError
from negbench.experiment.options.training_settings import budget
from negbench.plugins import registry
from negbench.plugins.term_syntax import Term, literal, parse, settings_apart, settings_text, split

OF_OPTIONS = ("lr", "l2", "dim", "batch_size")
"""Training options that may be lists; the others are one budget for every row."""
Words = tuple[str, ...]
Lists = dict[str, list[Any]]
"""The values of each swept setting, by its name."""


def expand(
    words: Mapping[str, Words], train: Mapping[str, Any]
) -> tuple[dict[str, Words], dict[str, Any]]:
    """Methods, backbones and references with a word for each value, and what is left of `train`.

    Raises UserError for a list without values, lists that differ between backbones, and a setting
    whose list is given twice.
    """
    rest, of_options = _of_options(train)
    backbones, of_backbones = _of_backbones(words["backbones"])
    if twice := sorted(of_options.keys() & of_backbones.keys()):
        raise UserError(
            f"the list of a setting may be given once; {twice[0]} has one among the options and "
            "one in the backbone; leave one out"
        )
    every = {**of_backbones, **of_options}
    methods = [m for word in words["methods"] for m in _method_words(word, every, backbones)]
    references = [str(each) for word in words["references"] for each in _terms("references", word)]
    expanded = {"methods": methods, "backbones": backbones, "references": references}
    return {family: tuple(dict.fromkeys(each)) for family, each in expanded.items()}, rest


def _of_options(train: Mapping[str, Any]) -> tuple[dict[str, Any], Lists]:
    """The training options with one value, and the lists of the others, each value checked."""
    rest, lists = dict(train), Lists()
    for name in OF_OPTIONS:
        value = rest.get(name)
        values = _values(literal(value) if isinstance(value, str) else value)
        if values is not None:
            values = _some(values, name, f"--{name.replace('_', '-')}")
            lists[name] = [budget({name: each})[name] for each in values]
            del rest[name]
    return rest, lists


def _of_backbones(words: Iterable[str]) -> tuple[list[str], Lists]:
    """The backbones without their lists, and the lists, which must be those of all."""
    backbones, lists = [], []
    for word in words:
        term = parse(word) if "[" in word else Term(word)
        own = _lists("backbones", term)
        lists.append(own)
        kept = tuple(pair for pair in term.values if pair[0] not in own)
        backbones.append(str(Term(term.name, kept)) if own else word)
    if any(each != lists[0] for each in lists):
        raise UserError(
            "a list in a backbone is one of every row, so all backbones of a run must have the "
            f"same; got {', '.join(words)}; run one after the other with the same --out"
        )
    return backbones, lists[0] if lists else {}


def _method_words(word: str, every: Lists, backbones: Sequence[str]) -> Iterator[str]:
    """A method as typed, once for each combination of the values in its lists and in `every`."""
    text, typed = settings_apart(word)
    terms = [_terms("methods", each) for each in split(text, "+")] if "[" in text else [[text]]
    known = [parse(each).name for each in backbones]
    behind = {name: _of_setting(name, value, known, word) for name, value in typed.items()}
    behind |= {name: values for name, values in every.items() if name not in typed}
    for pieces, *values in product(product(*terms), *behind.values()):
        settings = dict(zip(behind, values, strict=True))
        yield "+".join(map(str, pieces)) + settings_text(settings)


def _of_setting(name: str, value: Any, backbones: Iterable[str], word: str) -> list[Any]:
    """The values of a setting behind an `@`."""
    values = _values(value)
    if values is None or any(_takes_a_list("backbones", each, name) for each in backbones):
        return [value]
    return _some(values, name, word)


def _terms(family: str, word: str) -> list[Term | str]:
    """A term once for each combination of the values in its lists; without any as it is."""
    if "[" not in word:
        return [word]
    term = parse(word)
    lists = _lists(family, term)
    combined = (zip(lists, values, strict=True) for values in product(*lists.values()))
    return [
        Term(term.name, tuple({**dict(term.values), **dict(each)}.items())) for each in combined
    ]


def _lists(family: str, term: Term) -> Lists:
    """The parameters of a term that are given as lists and take none."""
    lists = Lists()
    for name, value in term.values:
        values = _values(value)
        if values is not None and not _takes_a_list(family, term.name, name):
            lists[name] = _some(values, name, str(term))
    return lists


def _takes_a_list(family: str, owner: str, name: str) -> bool:
    config = getattr(registry.load(family, owner), "Config", None)
    hint = get_type_hints(config).get(name) if config else None
    return any((get_origin(kind) or kind) in (tuple, list) for kind in (hint, *get_args(hint)))


def _values(value: Any) -> list[Any] | None:
    """The values of a list, also of one whose words are not quoted: `[dot,cosine]`."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        return [literal(each) for each in split(value[1:-1], ",")]
    return None


def _some(values: list[Any], name: str, where: str) -> list[Any]:
    if not values:
        raise UserError(
            f"a list of values must not be empty; got {name}=[] in {where}; give one value or more"
        )
    return values
