"""Popularity-shift split: a test part sampled against the popularity of the items.

    P(next pair drawn for test is (u, i)) = w_i / (sum of w over the pairs left),
    w_i = n_i^-(1 - alpha),   n_i: pairs of item i in all of the data

alpha = 1 draws all pairs with equal probability (no shift), alpha = 0 all items, as long as they
have pairs left. The draws are without replacement, by the order of the keys E / w, E ~ Exp(1): the
smallest of them is pair k with probability w_k / sum w, and so on among the rest (Efraimidis and
Spirakis). A pair is passed over where it would take a user's last one, so every user keeps a train
pair; where users are small that gives parts below their size.

Valid has as many pairs, drawn uniformly from the rest: it has the popularity of train, so nothing
is stopped, tuned or selected under the shift. It is also the baseline of the shift, a part of that
size without any (see `item_distribution.py`). Items with few pairs may leave train altogether
at a small alpha; `unseen` is their share of the test pairs.

The generator is our own derivation: the splits of AdvInfoNCE (Zhang et al., NeurIPS 2023) show such
a shift in their counts, and how they were drawn is not known to us.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Interactions
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream
from negbench.scenario.rule_syntax import Rule

DEFAULTS = (0, 0.1)
"""alpha, and the share of all pairs that is test."""


def with_defaults(rule: Rule) -> Rule:
    """The rule with the share of test filled in.

    Raises UserError if a number is out of range.
    """
    words = rule.words if len(rule.words) > 1 else (*rule.words, str(DEFAULTS[1]))
    whole = replace(rule, words=words)
    if len(words) != 2 or not 0 <= whole.numbers[0] <= 1:
        raise UserError(
            f"split rule `{rule}` needs an alpha from 0 (all items alike) to 1 (no shift), and "
            "perhaps the share of test, as in popularity_shift(0.5,0.1)"
        )
    if not 0 < whole.numbers[1] < Fraction(1, 2):
        raise UserError(
            f"split rule `{rule}` needs a share of test above 0 and below 0.5, for valid is as "
            "large, as in popularity_shift(0.5,0.1)"
        )
    return whole


def assign_parts(interactions: Interactions, rule: Rule) -> NDArray[np.int8]:
    """The part of each pair, 0 train, 1 valid, 2 test, [n] int8."""
    alpha, share = with_defaults(rule).numbers
    users, n = interactions.users, len(interactions)
    size = n * share.numerator // share.denominator
    generator = numpy_stream(rule.seed, "split")
    parts = np.zeros(n, np.int8)
    parts[_drawn(users, _keys(interactions, float(alpha), generator), size)] = 2
    rest = np.flatnonzero(parts == 0)
    parts[rest[_drawn(users[rest], generator.random(len(rest)), size)]] = 1
    return parts


def _keys(
    interactions: Interactions, alpha: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """E / w of each pair, [n]."""
    counts = np.bincount(interactions.items, minlength=interactions.n_items)
    keys: NDArray[np.float64] = generator.exponential(size=len(interactions))
    return keys * counts[interactions.items] ** (1 - alpha)


def _drawn(users: NDArray[np.int64], keys: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """The `size` pairs of the smallest keys, each user's pair of the greatest key left out."""
    falling = np.argsort(keys, kind="stable")[::-1]
    _, last = np.unique(users[falling], return_index=True)
    free = np.ones(len(users), bool)
    free[falling[last]] = False
    rising = falling[::-1]
    return rising[free[rising]][:size]
