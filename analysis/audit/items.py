"""The items that lists show more, and less, than users chose them.

    change of an item = its share of all places in the lists - its share of all histories

so the changes of all items sum to 0. The mean over seeds; ties by the number of the item.
"""

from dataclasses import dataclass

import numpy as np

from .inputs import Audience
from .shown import Shown

MOST = 10


@dataclass(frozen=True)
class ItemLine:
    """An item by its title, its band, and its shares of histories and of lists."""

    title: str
    band: str
    history: float
    lists: float

    @property
    def change(self) -> float:
        """Share of the lists less share of the histories."""
        return self.lists - self.history


def over_and_under(
    audience: Audience, own: Shown, history: Shown
) -> tuple[tuple[ItemLine, ...], tuple[ItemLine, ...]]:
    """The ten items that are shown most beyond their share of the histories, and most below."""
    change = own.exposure - history.exposure
    order = np.argsort(-change, kind="stable")
    over = [int(item) for item in order[:MOST] if change[item] > 0]
    under = [int(item) for item in order[::-1][:MOST] if change[item] < 0]

    def lines(items: list[int]) -> tuple[ItemLine, ...]:
        return tuple(
            ItemLine(
                audience.title(item),
                audience.bands.names[audience.bands.labels[item]],
                float(history.exposure[item]),
                float(own.exposure[item]),
            )
            for item in items
        )

    return lines(over), lines(under)
