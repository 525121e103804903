"""Parser of split and band rules: a name and numbers, `ratio(0.8,0.1,0.1)` or `mass:1/3,2/3`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from negbench.errors import UserError, did_you_mean

_FORM = re.compile(r"\s*([A-Za-z_-]+)\s*(?:\(([^()]*)\)|:([^()]*))?\s*")

_NAMED = {"users": "seed|last", "leave_one_out": "seed|skip"}
"""The named numbers that a rule may hold, where it is not the seed alone."""


@dataclass(frozen=True)
class Rule:
    """A parsed rule: its name, its numbers as written, and its random seed."""

    name: str
    words: tuple[str, ...] = ()
    seed: int = 0
    last: int = 1
    """Of a split by users: how many of a held-out user's items are to be ranked."""
    skip: int = 0
    """Of leave-one-out: how many of each user's newest pairs are left out first."""

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The numbers exactly, to a millionth: multiples of whole numbers stay within int64."""
        return tuple(Fraction(word).limit_denominator(1_000_000) for word in self.words)

    def __str__(self) -> str:
        """The rule as it could be typed."""
        words = self.words if self.last == 1 else (*self.words, f"last={self.last}")
        words = (*words, f"skip={self.skip}") if self.skip else words
        return f"{self.name}({','.join(words)})" if words else self.name


def read_rule(
    text: str,
    defaults: Mapping[str, tuple[float | str, ...]],
    kind: str,
    aliases: Mapping[str, str] | None = None,
    *,
    seed: int = 0,
) -> Rule:
    """Parse a rule named in `defaults`, which also gives the numbers where the text has none.

    A `seed=7` in the text overrides the argument; a rule by users may hold a `last=2` beside it,
    and leave-one-out a `skip=1`.
    Raises UserError if the text is no such rule.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise UserError(f"a {kind} is a word with numbers, as {next(iter(defaults))}; got `{text}`")
    name = form[1].lower().replace("-", "_")
    name = (aliases or {}).get(name, name)
    if name not in defaults:
        known = [*defaults, *(aliases or {})]
        raise UserError(f"unknown {kind} `{text}`; {did_you_mean(name, known)}")
    words = [word.strip() for word in (form[2] or form[3] or "").split(",") if word.strip()]
    named = {"seed": seed, "last": 1, "skip": 0}
    known_words = _NAMED.get(name, "seed")
    while words and (given := re.fullmatch(rf"({known_words})\s*=\s*(\d+)", words[-1])):
        named[given[1]], words = int(given[2]), words[:-1]
    if not defaults[name] and words:
        raise UserError(f"{kind} `{name}` takes no numbers; got `{text}`")
    numbers = tuple(_number(word, kind) for word in words or map(str, defaults[name]))
    return Rule(name, numbers, named["seed"], named["last"], named["skip"])


def with_seed(rule: Rule) -> str:
    """The rule as it could be typed, with its seed."""
    return f"{str(rule).removesuffix(')')},seed={rule.seed})"


def _number(word: str, kind: str) -> str:
    try:
        Fraction(word)
    except (ValueError, ZeroDivisionError):
        raise UserError(f"a {kind} takes numbers such as 0.8 or 1/3; got `{word}`") from None
    return word
