"""Noise in train, on purpose: pairs that are no sign of liking, and it is known which they are.

Random noise: as many pairs as a share of the train part are added to it: a user in proportion to
the train pairs, an item drawn evenly that the user has in no part of the data, nor in its truth.
Held-out pairs are left out, for they would be no noise; so the noise is alike for every method. A
larger share holds all that a smaller one adds.

Natural noise, where ratings are known: the pairs that were rated below what counts as a positive,
all of them, whenever they were made, as if only the click had been seen.

In a user's history noise stands at random places. Valid and test stay as they are, and noise pairs
are masked in rankings like any other train pair: fewer items compete, most so under natural noise,
so methods compare within one setting of noise and not across settings.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from negbench.data.interactions import Csr, Split
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream

Noise = float | Literal["ratings"]
"""A share of the train pairs, drawn at random, or the pairs that were rated too low."""
ROUNDS = 200
"""Draws of as many pairs as train has; where users have met all but everything, noise is less."""


def inject(
    parts: Split, share: float, known: tuple[Csr, ...] = (), *, seed: int = 0
) -> tuple[Split, Csr]:
    """Add noise, a share of the train pairs: the split with it, and the noise pairs.

    `known` are further pairs that are no noise: planted ones, the truth.
    """
    train = parts.train
    met = np.unique(np.concatenate([p.keys for p in (train, parts.valid, parts.test, *known)]))
    random, wanted = numpy_stream(seed, "noise"), round(share * len(train))
    found = np.empty(0, np.int64)
    for _ in range(ROUNDS):
        if len(found) >= wanted:
            break
        users = train.rows[random.integers(len(train), size=len(train))]
        drawn = users * train.n_columns + random.integers(train.n_columns, size=len(train))
        drawn = np.concatenate([found, drawn[~np.isin(drawn, met)]])
        _, first = np.unique(drawn, return_index=True)
        found = drawn[np.sort(first)]
    users, items = np.divmod(found[:wanted], train.n_columns)
    noise = Csr.of(users, items, n_rows=train.n_rows, n_columns=train.n_columns)
    return replace(parts, train=_among(train, noise, seed)), noise


def dislikes(parts: Split, disliked: Csr | None, *, seed: int = 0) -> tuple[Split, Csr]:
    """Add every pair that was rated too low, but those that are in a part too (rated twice)."""
    if disliked is None:
        raise UserError(
            "--noise ratings needs data with ratings below those that count as positives, and "
            "these have none; use --noise 0.2 for random pairs"
        )
    train = parts.train
    met = np.concatenate([p.keys for p in (train, parts.valid, parts.test)])
    users, items = np.divmod(np.setdiff1d(disliked.keys, met), train.n_columns)
    noise = Csr.of(users, items, n_rows=train.n_rows, n_columns=train.n_columns)
    return replace(parts, train=_among(train, noise, seed)), noise


def _among(train: Csr, noise: Csr, seed: int) -> Csr:
    """Both, the train pairs of a user in their order and the noise anywhere between them."""
    own = np.arange(len(train)) - train.indptr[train.rows] + 0.5
    share = numpy_stream(seed, "noise places").random(len(noise))
    place = np.concatenate([own, share * (train.lengths[noise.rows] + 1)])
    rows = np.concatenate([train.rows, noise.rows])
    items = np.concatenate([train.indices, noise.indices])
    order = np.lexsort((place, rows))
    return Csr.of(rows[order], items[order], n_rows=train.n_rows, n_columns=train.n_columns)
