"""What an audit in words is made of: the users and items of a block, and what each system showed.

A block is a data set and a backbone. All arrays of a block have one line for each of its users, the
users whose lists were ranked; S is the number of trainings (seeds), K the length of the lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.evaluation.metric_names import Metric
from negbench.evaluation.popularity_bias import Floats, profile_means, profile_shares
from negbench.scenario.popularity_bands import Bands

from .item_groups import ItemGroups

Ints = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Audience:
    """The users of a block, what they chose before, and the items that can be shown to them."""

    metric: Metric
    """The accuracy; its K is the length of the lists."""
    users: Ints
    """[n], rows of the parts below."""
    train: Csr
    profiles: Csr
    """The users' own histories: train, or what is known of users who are not trained on."""
    seen: Csr
    """What is never recommended to a user."""
    test: Csr
    bands: Bands
    user_ids: Sequence[Any]
    item_ids: Sequence[Any]
    item_names: Sequence[str] = ()
    """Titles; empty where the data have none."""
    average: str = "users"
    """Accuracy as a mean over users, or over test events."""
    groups: ItemGroups | None = None
    """Items by a column of the item table, if one was asked for."""
    in_order: bool = True
    """Whether a user's test items are known to be later than his history."""

    @property
    def k(self) -> int:
        """K."""
        return self.metric.k

    @property
    def n_items(self) -> int:
        """I."""
        return self.train.n_columns

    @cached_property
    def popularity(self) -> Floats:
        """Mean train count of the items in each user's history, [n]."""
        return profile_means(self.profiles, self.users, self.train.counts)

    @cached_property
    def shares(self) -> Floats:
        """The share of each band in each user's history, [n, bands]."""
        return profile_shares(self.profiles, self.users, self.bands.labels, len(self.bands.names))

    def title(self, item: int) -> str:
        """An item's title, or its id in the data."""
        name = self.item_names[item] if len(self.item_names) else ""
        return str(name or self.item_ids[item])


@dataclass(frozen=True, eq=False)
class System:
    """The lists of one row of a block, under each of its seeds."""

    name: str
    kind: str
    """"method", "reference", or "lists" for lists that came from elsewhere."""
    tops: Ints
    """[S, n, K] items, -1 for an empty place."""
    accuracy: Floats
    """[S, n]; NaN for a user without a value."""
    caveats: tuple[str, ...] = ()
    """What every sentence on its accuracy has to say: still rising, untuned, a seed lacking."""

    @property
    def n_seeds(self) -> int:
        """S."""
        return len(self.tops)

    @property
    def label(self) -> str:
        """The name with its caveats, so that a sentence is true when it is quoted alone."""
        return f"{self.name} ({', '.join(self.caveats)})" if self.caveats else self.name


@dataclass(frozen=True, eq=False)
class Block:
    """A data set and a backbone: its users and the systems that served them, best first."""

    dataset: str
    backbone: str
    audience: Audience
    systems: tuple[System, ...]
    notes: tuple[str, ...]
    """Caveats of data and protocol, as every table has them."""
