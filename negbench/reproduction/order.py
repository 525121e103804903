"""Whether the order of a published table holds: Kendall's tau, and the pairs that turn.

    tau = (C - D) / (C + D + E)

over the pairs of rows that the publication tells apart: C have the same order here, D the other, E
are equal here. What is tied as printed is tied, so its order here counts neither for nor against.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan

DIGITS = 4
"""Digits of the publications; what agrees in all of them is a tie."""


@dataclass(frozen=True)
class Turned:
    """A pair of rows whose order here is the other."""

    better: str
    """The row that is better as published."""
    worse: str
    published: float
    """By how much it is better there, above 0."""
    ours: float
    """By how much it is better here, at most 0."""


@dataclass(frozen=True)
class Order:
    """The comparison of two orders."""

    tau: float
    """NaN where the publication tells no two rows apart."""
    pairs: int
    """The pairs that the publication tells apart."""
    ties: int
    """Those that it prints as equal."""
    turned: tuple[Turned, ...]

    @property
    def holds(self) -> bool:
        """Whether no pair turns."""
        return not self.turned


def compare(names: Sequence[str], published: Sequence[float], ours: Sequence[float]) -> Order:
    """Compare the order of the same rows by two lists of values."""
    ties, score, turned = 0, 0, []
    pairs = list(combinations(range(len(names)), 2))
    for first, second in pairs:
        there = round(published[first] - published[second], DIGITS)
        if there == 0:
            ties += 1
            continue
        if there < 0:
            first, second, there = second, first, -there
        here = ours[first] - ours[second]
        score += (here > 0) - (here < 0)
        if here < 0:
            turned.append(Turned(names[first], names[second], there, here))
    apart = len(pairs) - ties
    turned.sort(key=lambda each: each.published, reverse=True)
    return Order(score / apart if apart else nan, apart, ties, tuple(turned))
