"""Most popular: every user gets the items with the most train pairs.

    score(u, i) = |{v : (v, i) in train}|

No paper: the simplest reference. A trained cell below it has learnt less than a count.
Cost: one count of the train pairs; U x I copies of it to rank.
"""

from dataclasses import dataclass

import torch

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import Scorer
from negbench.ops.axes import ItemScores, ItemValues, Rows
from negbench.plugins.card import Card

CARD = Card(
    title="most popular items first",
    family="reference",
    provides=("fold_in",),
    provenance="ours",
)


@dataclass(frozen=True)
class Config:
    """No settings."""


@dataclass(frozen=True, eq=False)
class MostPopular:
    """The train counts, the same for every user."""

    counts: ItemValues
    """[I] float32."""

    def scores(self, users: Rows) -> ItemScores:
        """The counts, once per user, [b, I]."""
        return self.counts.to(users.device).repeat(len(users), 1)

    def fold_in(self, history: Csr) -> "MostPopular":
        """The same counts: no history changes them."""
        del history
        return self


def build(config: Config, train: Csr) -> Scorer:
    """Count the train pairs of each item."""
    del config
    return MostPopular(torch.from_numpy(train.counts).float())
