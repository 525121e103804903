"""Popularity bands: head, mid and tail items, by their train counts alone."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negbench.data.number_words import counted, percent
from negbench.errors import UserError
from negbench.scenario.rule_syntax import Rule, read_rule

if TYPE_CHECKING:  # scipy is slow to import, and a finished run is read with bands, without pairs
    from negbench.data.interactions import Csr

DEFAULTS: dict[str, tuple[str, ...]] = {
    "mass": ("1/3", "2/3"),
    "items": ("0.2", "0.8"),
    "count": ("5", "50"),
}
"""The rules with their default cuts; one cut makes two bands, head and tail."""

FEW = 20
"""A band of fewer items rests on single items."""
NEARLY_ALL = 0.9
"""A band with more than this share of the items says little beside the figure of all items."""

NAMES = ("head", "mid", "tail")
"""Every name of a band, from the most to the least popular."""
OF_WHAT = {
    "mass": "of the train pairs, most popular items first",
    "items": "of the items, most popular first",
    "count": "train pairs an item",
}
"""What the cuts of each rule count."""
WEAK = "weak bands: "
"""How a note on bands that say little begins."""
_NAMES = {1: ("head", "tail"), 2: NAMES}


@dataclass(frozen=True, eq=False)
class Bands:
    """The band of each item: `names[labels[i]]`, from the most to the least popular.

    - `mass:1/3,2/3`: items by falling train count (equal counts by number), c the running sum with
      the item's own count; of F train pairs, head while c < F/3, mid while c < 2F/3, then tail.
    - `items:0.2,0.8`: the first fifth of the items in that order, up to four fifths, the rest.
    - `count:5,50`: tail below 5 train pairs, mid below 50, head from 50 on.
    """

    labels: NDArray[np.int8]
    names: tuple[str, ...]
    rule: str

    @classmethod
    def of(cls, counts: ArrayLike, rule: str = "mass") -> Self:
        """Divide the items by their train counts [I].

        Raises UserError if the rule is unknown or its cuts are out of range.
        """
        read = read_rule(rule, DEFAULTS, "band rule")
        cuts = read.numbers
        if len(cuts) not in _NAMES or list(cuts) != sorted(set(cuts)):
            raise UserError(
                f"a band rule has one or two rising cuts, as mass:1/3,2/3; got `{rule}`"
            )
        if read.name != "count" and not all(0 < cut < 1 for cut in cuts):
            raise UserError(
                f"the cuts of band rule `{read.name}` lie between 0 and 1; got `{rule}`"
            )
        if read.name == "count" and cuts[0] <= 0:
            raise UserError(
                f"the cuts of band rule `count` lie above 0, as no item has fewer; got `{rule}`"
            )
        labels = _RULES[read.name](np.asarray(counts, np.int64), cuts)
        labels.setflags(write=False)
        return cls(labels, _NAMES[len(cuts)], _rule_text(read))

    @property
    def of_what(self) -> str:
        """What the rule's cuts count, in words."""
        return OF_WHAT[self.rule.partition(":")[0]]

    @property
    def sizes(self) -> dict[str, int]:
        """Number of items in each band."""
        counts = np.bincount(self.labels, minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))

    @property
    def masks(self) -> dict[str, NDArray[np.bool_]]:
        """Which items each band holds, [I]."""
        return {name: self.labels == label for label, name in enumerate(self.names)}

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each weakness: a band of nearly all items, bands of fewer than 20."""
        total, notes = len(self.labels), []
        for name, size in self.sizes.items():
            if size > NEARLY_ALL * total:
                notes.append(
                    f"{WEAK}{name} holds {percent(size, total)} of the items ({size:,} of "
                    f"{total:,}), so its figures are nearly those of all items; --bands divides "
                    "them otherwise."
                )
        few = {name: size for name, size in self.sizes.items() if size < FEW}
        if few:
            counts = ", ".join(f"{name} {size}" for name, size in few.items())
            notes.append(
                f"{WEAK}fewer than {FEW} items in {counts} (of {counted(total, 'item')}): "
                "figures of so few items are no finding."
            )
        return tuple(notes)

    def rows(self, part: "Csr") -> dict[str, int]:
        """Number of pairs of a part (the test part, say) in each band."""
        counts = np.bincount(self.labels[part.indices], minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))


Cuts = tuple[Fraction, ...]


def _mass(counts: NDArray[np.int64], cuts: Cuts) -> NDArray[np.int8]:
    order = np.argsort(-counts, kind="stable")
    running = np.cumsum(counts[order])
    total = int(counts.sum())
    labels = np.empty(len(counts), np.int8)
    # Integers on both sides: c < F p/q is c q < F p.
    labels[order] = sum(running * cut.denominator >= total * cut.numerator for cut in cuts)
    return labels


def _items(counts: NDArray[np.int64], cuts: Cuts) -> NDArray[np.int8]:
    place = np.arange(1, len(counts) + 1)
    labels = np.empty(len(counts), np.int8)
    labels[np.argsort(-counts, kind="stable")] = sum(
        place * cut.denominator > len(counts) * cut.numerator for cut in cuts
    )
    return labels


def _count(counts: NDArray[np.int64], cuts: Cuts) -> NDArray[np.int8]:
    labels = np.zeros(len(counts), np.int8)
    for cut in cuts:
        labels += counts * cut.denominator < cut.numerator
    return labels


_RULES: dict[str, Callable[[NDArray[np.int64], Cuts], NDArray[np.int8]]] = {
    "mass": _mass,
    "items": _items,
    "count": _count,
}


def _rule_text(rule: Rule) -> str:
    return f"{rule.name}:{','.join(rule.words)}"
