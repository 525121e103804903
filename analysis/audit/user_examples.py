"""A few users before and after: what they chose, and what they were shown.

One of each taste: the user in the middle of the group by how much more popular the list is than the
history, among those with three items or more in both. So he is typical of the group and not picked
for effect. The lists are those of the first seed.
"""

from dataclasses import dataclass

import numpy as np

from negbench.evaluation.popularity_bias import Floats

from .inputs import Audience, System
from .shown import Shown
from .user_groups import TASTE, UserGroup

ITEMS = 6
"""Items shown of a history and of a list."""
FEWEST = 3


@dataclass(frozen=True)
class Example:
    """A user: some of his history, the head of his list, and which of it is of the test part."""

    user: str
    group: str
    history: tuple[str, ...]
    n_history: int
    shown: tuple[str, ...]
    chosen_later: tuple[bool, ...]
    """Later where the test part is: `Audience.in_order`."""
    lift: float
    """How many times as popular the list is as the history."""


def examples(
    audience: Audience, system: System, own: Shown, groups: tuple[UserGroup, ...]
) -> tuple[Example, ...]:
    """One user of each taste; a group without such a user has none."""
    top = system.tops[0]
    filled = (top >= 0).sum(axis=1)
    lengths = audience.profiles.lengths[audience.users]
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = own.popularity[0] / audience.popularity
    usable = (filled >= FEWEST) & (lengths >= FEWEST) & np.isfinite(lift)
    chosen = []
    for group in groups:
        at = np.flatnonzero(group.inside & usable)
        if group.by == TASTE and len(at):
            middle = at[np.argsort(lift[at], kind="stable")[(len(at) - 1) // 2]]
            chosen.append(_example(audience, group.name, int(middle), top[middle], lift))
    return tuple(chosen)


def _example(audience: Audience, group: str, at: int, top: Floats, lift: Floats) -> Example:
    user = int(audience.users[at])
    own, later = audience.profiles.row(user).tolist(), set(audience.test.row(user).tolist())
    shown = [int(item) for item in top if item >= 0][:ITEMS]
    return Example(
        str(audience.user_ids[user]),
        group,
        tuple(audience.title(item) for item in own[-ITEMS:]),
        len(own),
        tuple(audience.title(item) for item in shown),
        tuple(item in later for item in shown),
        float(lift[at]),
    )
