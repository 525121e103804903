"""Selects plug-ins by name, `all`, glob, family, and exclusion.

`all,-dns` is everything but dns; `'mix*'` what begins so; `dynamic` the family of that name;
`dns(candidates=32)` and `popularity+dns` are taken as they are. The order typed is kept. Behind a
method, or a group of them, `@` gives settings of its training and its backbone: `dns@lr=0.1`,
`all@(layers=2,lr=0.1)`.
"""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from shlex import quote

from negbench.data import dataset_words
from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.term_syntax import settings_apart, settings_text, split

_GLOB = "*?["
_SETTINGS = re.compile(r"(.*\S) \[([^\[\]]*=[^\[\]]*)\]")
"""A row's label with the settings in which rows of one method differ."""


def words(given: Iterable[str]) -> list[str]:
    """The words of `-m a,b -m 'c(d=1,e=2)'`; commas inside brackets do not part them."""
    return [word for text in given for word in split(text, ",")]


def select(family: str, given: Iterable[str], *, paths: bool = False) -> tuple[str, ...]:
    """The plug-ins meant, each once; with `paths` also files and what looks like one.

    Raises UserError for an unknown name, and if nothing is left.
    """
    known = registry.names(family)
    chosen: list[str] = []
    asked = dataset_words.words(given) if paths else words(given)
    for at, word in enumerate(asked):
        if word.startswith("-") and not (paths and dataset_words.is_file(word)):
            chosen = chosen or (list(known) if at == 0 else [])
            excluded = set(_matches(family, word[1:].strip(), known, paths))
            chosen = [each for each in chosen if each not in excluded]
        elif family == "methods":
            name, settings = settings_apart(word)
            chosen += [
                f"{m}{settings_text(settings)}" for m in _matches(family, name, known, paths)
            ]
        else:
            chosen += _matches(family, word, known, paths)
    if not chosen:
        raise UserError(
            f"--{family} must name at least one; {','.join(asked) or 'nothing'!r} leaves none; "
            f"see negbench list {family}"
        )
    return tuple(dict.fromkeys(chosen))


def _matches(family: str, word: str, known: Sequence[str], paths: bool) -> list[str]:
    if word in known:
        return [word]
    if word == "all":
        return list(known)
    if paths and (dataset_words.is_file(word) or dataset_words.looks_like_path(word)):
        return [word]
    if settings := _SETTINGS.fullmatch(word):
        flags = " ".join(f"--{each.strip().replace('_', '-')}" for each in settings[2].split(","))
        raise UserError(
            f"--{family} must be what is typed; {word!r} is the label of a row, with settings of "
            f"the whole training; give them as options: -m {quote(settings[1])} "
            f"{flags.replace('=', ' ')}"
        )
    if "(" in word or "+" in word:
        return ["+".join(_term(family, term, known) for term in split(word, "+"))]
    if any(mark in word for mark in _GLOB):
        matching = [name for name in known if fnmatchcase(name, word)]
        if not matching:
            raise UserError(f"--{family} {word!r} fits no name; known: {', '.join(known)}")
        return matching
    if group := [name for name in known if registry.card(family, name).family == word.lower()]:
        return group
    return [_known(family, word, known, paths)]


def _term(family: str, term: str, known: Sequence[str]) -> str:
    name, bracket, rest = term.partition("(")
    return _known(family, name.strip(), known) + bracket + rest


def _known(family: str, name: str, known: Sequence[str], paths: bool = False) -> str:
    """The name as the registry has it; ML-1M means ml_1m."""
    plain = name.lower().replace("-", "_")
    for each in (name, plain):
        if each in known:
            return each
    groups = sorted({registry.card(family, each).family for each in known})
    if paths:
        raise UserError(
            f"--{family} must be known names, or files or folders that are here; got {name!r}; "
            f"{dataset_words.nearest(name)}"
        )
    what = did_you_mean(plain, [*known, *groups])
    raise UserError(f"--{family} must be known names; got {name!r}; {what}")
