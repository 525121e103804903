"""All popularity-bias measures of a ranking at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.evaluation.popularity_bias.exposure import coverage
from negbench.evaluation.popularity_bias.group_parity import popreo, poprsp
from negbench.evaluation.popularity_bias.list_statistics import (
    Ints,
    exposure,
    list_means,
    list_shares,
    profile_means,
    profile_shares,
)
from negbench.evaluation.popularity_bias.opportunity_bias import pri, pru
from negbench.evaluation.popularity_bias.recommended_popularity import (
    aplt,
    arp,
    relative_arp,
)
from negbench.evaluation.popularity_bias.user_groups import USER_GROUPS, dgap, taste_groups, upd
from negbench.ops.inequality import entropy, gini
from negbench.scenario.popularity_bands import Bands

Values = dict[tuple[str, int, str], float]
"""Values by measure, K and user group: "all", or one of USER_GROUPS."""


def audit(
    top: Ints,
    users: Ints,
    ranks: Ints | None = None,
    *,
    train: Csr,
    test: Csr,
    seen: Csr,
    bands: Bands,
    ks: Sequence[int],
    profiles: Csr | None = None,
) -> Values:
    """Every measure of the lists `top` [n, K] of `users` [n], by (measure, K, group).

    `ranks` holds the rank of each pair of `test`; without it `pru` and `pri`, whose K is 0, are
    left out. `seen` is what is never recommended: train joined with valid. `profiles` [U, I] are
    the users' own items, train if None; popularity is always that of train. Undefined: NaN.
    """
    values: Values = {}
    for k in ks:
        values |= _at(top[:, :k], k, users, train, test, seen, bands)
        own = train if profiles is None else profiles
        values |= _by_user_group(top[:, :k], k, users, train.counts, own, bands)
    if ranks is not None:
        values["pru", 0, "all"] = pru(ranks, test, train.counts)
        values["pri", 0, "all"] = pri(ranks, test, train.counts)
    return values


def _at(top: Ints, k: int, users: Ints, train: Csr, test: Csr, seen: Csr, bands: Bands) -> Values:
    labels, n_bands = bands.labels, len(bands.names)
    exposed = exposure(top, train.n_columns)
    of_lists = {
        "arp": arp(top, train.counts),
        "relative_arp": relative_arp(top, users, train.counts, seen),
        "aplt": aplt(top, labels, n_bands - 1),
        "coverage": coverage(exposed),
        "gini": gini(exposed),
        "entropy": entropy(exposed),
        "popreo": popreo(top, users, test, labels, n_bands),
        "poprsp": poprsp(top, users, seen, labels, n_bands),
    }
    return {(name, k, "all"): value for name, value in of_lists.items()}


def _by_user_group(top: Ints, k: int, users: Ints, counts: Ints, own: Csr, bands: Bands) -> Values:
    """The measures that compare each list with its user's profile."""
    n_bands = len(bands.names)
    profiles = profile_shares(own, users, bands.labels, n_bands)
    lists = list_shares(top, bands.labels, n_bands)
    before, after = profile_means(own, users, counts), list_means(top, counts)
    share: NDArray[np.float64] = np.where(np.isnan(after), np.nan, profiles[:, 0])
    groups = taste_groups(share, before)
    values = {
        ("upd", k, "all"): upd(profiles, lists, groups),
        ("dgap", k, "all"): dgap(after, before),
    }
    for g, name in enumerate(USER_GROUPS):
        values["dgap", k, name] = dgap(after[groups == g], before[groups == g])
    return values
