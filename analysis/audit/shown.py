"""What users are shown, by each system and by the three anchors, as one value a user.

The anchors say what a number of a system is read against:

    history        what the users chose themselves, before
    most popular   everybody is shown the most popular items that he has not seen
    random lists   everybody is shown items drawn at random; exact, by closed forms

Values of a system are [S, n], of an anchor [1, n], so that differences broadcast.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from negbench.evaluation.popularity_bias import (
    NAN,
    Floats,
    coverage,
    exposure,
    list_means,
    list_shares,
    profile_means,
    unseen_means,
)

from .inputs import Audience, Ints, System
from .list_accuracy import list_accuracy
from .random_lists import random_accuracy, random_coverage

HISTORY, POPULAR, RANDOM = "users' own history", "most popular items", "random lists"
"""The anchors by the names that they have on the page."""


@dataclass(frozen=True, eq=False)
class Shown:
    """One system or anchor: the users' values, and the items that anybody is shown."""

    name: str
    kind: str
    """That of the system, or "anchor"."""
    popularity: Floats
    """Mean train count of the items of each list, [S, n]."""
    shares: Floats
    """The share of each band in each list, [S, n, bands]."""
    groups: Floats
    """The share of each group of items in each list, [S, n, groups]; of no group without one."""
    accuracy: Floats
    """[S, n]; NaN for histories, which predict nothing."""
    coverage: Floats
    """The share of the items that anybody is shown, [S]."""
    exposure: Floats
    """The share of all places that each item has, [I]; the mean over seeds. Of no item for random
    lists."""
    label: str = ""
    """The name with its caveats."""


def of_system(audience: Audience, system: System) -> Shown:
    """What a system showed."""
    tops, n_bands = system.tops, len(audience.bands.names)
    counts, labels = audience.train.counts, audience.bands.labels
    counted = [exposure(top, audience.n_items) for top in tops]
    return Shown(
        system.name,
        system.kind,
        np.stack([list_means(top, counts) for top in tops]),
        np.stack([list_shares(top, labels, n_bands) for top in tops]),
        np.stack([_grouped(audience, partial(list_means, top)) for top in tops]),
        system.accuracy,
        np.array([coverage(each) for each in counted]),
        np.mean([each / max(each.sum(), 1) for each in counted], axis=0),
        system.label,
    )


def of_history(audience: Audience) -> Shown:
    """What the users chose themselves."""
    own = np.isin(audience.profiles.rows, audience.users)
    counted = np.bincount(audience.profiles.indices[own], minlength=audience.n_items)
    return Shown(
        HISTORY,
        "anchor",
        audience.popularity[None],
        audience.shares[None],
        _grouped(audience, partial(profile_means, audience.profiles, audience.users))[None],
        np.full((1, len(audience.users)), NAN),
        np.array([coverage(counted)]),
        counted / max(counted.sum(), 1),
        HISTORY,
    )


def of_most_popular(audience: Audience) -> Shown:
    """Everybody's most popular unseen items."""
    tops = most_popular_lists(audience)
    accuracy = list_accuracy(audience, tops)
    lists = System(POPULAR, "anchor", tops[None], accuracy[None])
    return of_system(audience, lists)


def of_random(audience: Audience) -> Shown:
    """The expected values of unseen items drawn at random."""
    users, seen, labels = audience.users, audience.seen, audience.bands.labels
    bands = range(len(audience.bands.names))
    return Shown(
        RANDOM,
        "anchor",
        unseen_means(seen, users, audience.train.counts)[None],
        np.stack([unseen_means(seen, users, labels == band) for band in bands], axis=1)[None],
        _grouped(audience, partial(unseen_means, seen, users))[None],
        random_accuracy(audience)[None],
        np.array([random_coverage(users, seen, audience.k)]),
        np.empty(0),
        RANDOM,
    )


def most_popular_lists(audience: Audience) -> Ints:
    """Each user's K most popular unseen items, [n, K], -1 where he has seen all others.

    Equally popular items stand in one shuffled order for all users, as in every ranking here.
    """
    counts, k = audience.train.counts, min(audience.k, audience.n_items)
    shuffled = np.random.default_rng(20).permutation(audience.n_items)
    order = shuffled[np.argsort(-counts[shuffled], kind="stable")]
    seen = audience.seen
    tops = np.full((len(audience.users), audience.k), -1, np.int64)
    for at, user in enumerate(audience.users.tolist()):
        own = seen.row(user)
        first = order[: k + len(own)]
        free = first[~np.isin(first, own)][:k]
        tops[at, : len(free)] = free
    return tops


def _grouped(audience: Audience, means: Callable[[Floats], Floats]) -> Floats:
    """The mean of each group's weights by `means`, [n, groups]."""
    if audience.groups is None:
        return np.empty((len(audience.users), 0))
    return np.stack([means(weights) for weights in audience.groups.weights.T], axis=1)
