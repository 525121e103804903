"""Which split rules repeat one rule, as `split_variants.py` writes them, from resolved texts."""

from fractions import Fraction

from negbench.errors import UserError
from negbench.scenario.rule_syntax import Rule, read_rule


def same_family(one: str, other: str) -> bool:
    """Whether two resolved rules repeat one: all but seed and distance moved back is the same.

    False for texts that are no rules.
    """
    try:
        return _family(_read(one)) == _family(_read(other))
    except UserError:
        return False


def _read(text: str) -> Rule:
    return read_rule(text, {text.partition("(")[0].strip(): (0.0,)}, "split rule")


def _family(rule: Rule) -> tuple[object, ...]:
    """What the versions of a rule share."""
    numbers = rule.numbers
    if rule.name == "temporal":  # the widths of valid and test
        ends = (*numbers, Fraction(1))[:3]
        numbers = tuple(after - before for before, after in zip(ends, ends[1:], strict=False))
    elif rule.name == "ratio":
        train, valid, test, left = (*numbers, *[Fraction(0)] * 4)[:4]
        numbers = (train + left, valid, test)
    return rule.name, numbers, rule.last
