"""Items by a column of an item table, as genre or seller: an item of several values counts in each.

`Drama|War` gives half of the item to each value, so that shares of the values sum to one. Of many
values those with most of the users' histories stand alone; the others are together as `others`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negbench.evaluation.popularity_bias import Floats

SEPARATOR = "|"
MOST = 12
"""Values that stand alone."""
NONE, OTHERS = "(none)", "(others)"


@dataclass(frozen=True, eq=False)
class ItemGroups:
    """The values of a column and what part of each item they hold."""

    column: str
    names: tuple[str, ...]
    weights: Floats
    """[I, groups], each item's parts sum to 1."""

    @classmethod
    def of(cls, column: str, values: Sequence[str], counts: NDArray[np.integer]) -> "ItemGroups":
        """Group items by their values [I], written with | between several; `counts` [I] of train.

        An item without a value is in the group "(none)".
        """
        parts = [
            list(dict.fromkeys(w for each in text.split(SEPARATOR) if (w := each.strip())))
            for text in values
        ]
        mass: dict[str, float] = {}
        for words, count in zip(parts, counts.tolist(), strict=True):
            for word in words or [NONE]:
                mass[word] = mass.get(word, 0.0) + count / max(len(words), 1)
        ordered = sorted(mass, key=lambda word: (-mass[word], word))
        alone = ordered if len(ordered) <= MOST else ordered[: MOST - 1]
        names = (*alone, *[OTHERS] * (len(alone) < len(ordered)))
        place = {word: at for at, word in enumerate(alone)}
        weights = np.zeros((len(parts), len(names)))
        for item, words in enumerate(parts):
            for word in words or [NONE]:
                weights[item, place.get(word, len(names) - 1)] += 1 / max(len(words), 1)
        return cls(column, names, weights)
