"""Versions of a split rule, so that a comparison can be repeated over splits of the same data.

A rule that draws is repeated under the next seeds. A rule in time order draws nothing: its split is
moved into the past instead, by the size of its test part, and what is newer than the test pairs is
left out. So the versions hold valid and test parts of one size (but for rounding: a pair a user),
no pair is a test pair twice, and a version trains on what was known at its time: the rolling origin
of forecasting (Tashman, "Out-of-sample Tests of Forecasting Accuracy", International Journal of
Forecasting, 2000).

    random(0.8,0.1,0.1,seed=0)   seed=1, seed=2; likewise users, popularity_shift, cold_items, and
                                 files and truth, whose test part is given: they draw the valid
                                 part anew
    ratio(0.8,0.1,0.1)           ratio(0.7,0.1,0.1,0.1), ratio(0.6,0.1,0.1,0.2)
    temporal(0.8,0.9)            temporal(0.7,0.8,0.9), temporal(0.6,0.7,0.8)
    leave_one_out                leave_one_out(skip=1), leave_one_out(skip=2)

Of a ratio too short for a train pair a user keeps one, so a user of few pairs has none to test.
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from negbench.data.fold_in import VALID
from negbench.data.interactions import Interactions
from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.scenario import popularity_shift
from negbench.scenario.rule_numbers import increasing_points, three_shares
from negbench.scenario.rule_syntax import Rule, with_seed
from negbench.scenario.splits import SEEDED, read_split_rule


def split_variants(rule: str, n: int, interactions: Interactions) -> tuple[str, ...]:
    """`n` rules that repeat a rule on these data, the first the rule as it is.

    Raises UserError if the text is no split rule, or cannot be repeated so often.
    """
    read = read_split_rule(rule, interactions)
    if n < 1:
        raise UserError(f"--splits must be 1 or more; got {n}")
    if read.name == "popularity_shift":
        read = popularity_shift.with_defaults(read)
    if n > 1 and read.name == "files" and _has_valid(interactions):
        raise UserError(
            f"--splits {n} needs a split that can be drawn anew or moved back in time, and the "
            f"parts of {interactions.name} are given; use --split ratio, random, temporal or users"
        )
    if read.name in SEEDED:
        return tuple(with_seed(replace(read, seed=read.seed + at)) for at in range(n))
    return tuple(str(_moved_back(read, at, n)) for at in range(n))


def _has_valid(interactions: Interactions) -> bool:
    return interactions.part is not None and bool((interactions.part == VALID).any())


def _moved_back(rule: Rule, times: int, of: int) -> Rule:
    """A rule in time order, moved back by so many test parts.

    Raises UserError if no train part would be left.
    """
    if not times:
        return rule
    if rule.name == "leave_one_out":
        return replace(rule, skip=rule.skip + times)
    if rule.name == "ratio":
        train, valid, test, left = (*three_shares(rule), Fraction(0))[:4]
        back = test * times
        numbers: tuple[Fraction, ...] = (train - back, valid, test, left + back)
    else:
        first, second, end = (*increasing_points(rule), Fraction(1))[:3]
        back = (end - second) * times
        numbers = (first - back, second - back, end - back)
    if numbers[0] <= 0 or not back:
        raise UserError(
            f"--splits {of} moves split rule `{rule}` back by {counted(of - 1, 'test part')}, and "
            "no train part is left there; use fewer splits, or a rule with a smaller test part"
        )
    return replace(rule, words=tuple(map(_text, numbers)))


def _text(number: Fraction) -> str:
    """A number as it is typed: 0.7, or 2/3 where no decimal is exact."""
    decimal = Decimal(number.numerator) / Decimal(number.denominator)
    return str(decimal.normalize()) if Fraction(str(decimal)) == number else str(number)
