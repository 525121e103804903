"""Groups of users: by taste and by activity, the same for every system of a block.

Taste as Abdollahpouri et al. 2019 (`negbench/evaluation/popularity_bias/user_groups.py`): by the
share of head items in a user's own history. Activity: quarters by the length of the history.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negbench.evaluation.popularity_bias import USER_GROUPS, taste_groups

from ..measures.bands import quarters
from .inputs import Audience

TASTE, ACTIVITY = "taste", "activity"
QUARTERS = ("least active", "less active", "more active", "most active")


@dataclass(frozen=True, eq=False)
class UserGroup:
    """Some of the users of a block."""

    by: str
    name: str
    words: str
    """Who they are, for a reader who does not know the name."""
    inside: NDArray[np.bool_]
    """[n]."""


def user_groups(audience: Audience) -> tuple[UserGroup, ...]:
    """The groups that hold any user, taste first."""
    return (*_by_taste(audience), *_by_activity(audience))


def _by_taste(audience: Audience) -> list[UserGroup]:
    labels = taste_groups(audience.shares[:, 0], audience.popularity)
    first = audience.bands.names[0]
    words = {
        "niche": f"the fifth of the users with the fewest {first} items in their history",
        "diverse": "the users between the two",
        "blockbuster": f"the fifth of the users with the most {first} items in their history",
    }
    return [
        UserGroup(TASTE, name, words[name], labels == at)
        for at, name in enumerate(USER_GROUPS)
        if (labels == at).any()
    ]


def _by_activity(audience: Audience) -> list[UserGroup]:
    lengths = audience.profiles.lengths[audience.users]
    quarter = quarters(lengths)
    groups = []
    for number in np.unique(quarter).tolist():
        inside = quarter == number
        low, high = int(lengths[inside].min()), int(lengths[inside].max())
        span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        words = f"{span} items in their history"
        groups.append(UserGroup(ACTIVITY, f"{QUARTERS[number - 1]} quarter", words, inside))
    return groups if len(groups) > 1 else []
