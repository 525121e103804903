"""Noise injection: false positives added to the train part on purpose, with a list of them.

Random noise: pairs are added, a share of the train part in number: users in proportion to their
train pairs, items uniform among those that the user has in no part of the data, nor in its ground
truth. Held-out pairs are left out, for they would be no noise; so every method gets the same noise.
A larger share contains the noise of a smaller one.

Natural noise, where ratings are known: all pairs rated below what counts as a positive, of any
time, as if only the click had been observed.

In a user's history noise is at random places. Valid and test stay as they are, and noise pairs
are masked in rankings like any other train pair: fewer items compete, most so under natural noise,
so methods compare within one setting of noise and not across settings.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from negbench.data.interactions import Csr, Split
from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream

Noise = float | Literal["ratings"]
"""A share of the train pairs, drawn at random, or "ratings": the pairs that were rated too low."""
ROUNDS = 200
"""Rounds of draws, each of as many pairs as train has; with few unseen items noise is less."""


def inject_random(
    parts: Split, share: float, known: tuple[Csr, ...] = (), *, seed: int = 0
) -> tuple[Split, Csr]:
    """Add random noise, a share of the train pairs: the split with it, and the noise pairs.

    `known` are further pairs that are no noise: planted ones, the ground truth. Raises UserError if
    the share adds no pair.
    """
    train = parts.train
    met = np.unique(np.concatenate([p.keys for p in (train, parts.valid, parts.test, *known)]))
    random, wanted = numpy_stream(seed, "noise"), round(share * len(train))
    sampled = np.empty(0, np.int64)
    for _ in range(ROUNDS):
        if len(sampled) >= wanted:
            break
        users = train.rows[random.integers(len(train), size=len(train))]
        drawn = users * train.n_columns + random.integers(train.n_columns, size=len(train))
        drawn = np.concatenate([sampled, drawn[~np.isin(drawn, met)]])
        _, first = np.unique(drawn, return_index=True)
        sampled = drawn[np.sort(first)]
    if not min(wanted, len(sampled)):
        why = "the users have no unseen item left" if wanted else "it is under half a pair"
        raise UserError(
            f"--noise must add a pair; {share:g} of {counted(len(train), 'train pair')} adds none "
            f"({why}); give a larger share, or leave it out"
        )
    users, items = np.divmod(sampled[:wanted], train.n_columns)
    noise = Csr.of(users, items, n_rows=train.n_rows, n_columns=train.n_columns)
    return replace(parts, train=_interleaved(train, noise, seed)), noise


def inject_disliked(
    parts: Split, disliked: Csr | None, known: tuple[Csr, ...] = (), *, seed: int = 0
) -> tuple[Split, Csr]:
    """Add every pair that was rated too low and is in no part: the split with it, and the pairs.

    `known` are further pairs that are no noise, as in `inject_random`: one that was rated again,
    and well, and then planted or left out of all parts. Raises UserError if the data have no such
    ratings, or all such pairs are in a part already.
    """
    if disliked is None:
        raise UserError(
            "--noise ratings needs data with ratings below those that count as positives, and "
            "these have none; use --noise 0.2 for random pairs"
        )
    train = parts.train
    met = np.concatenate([p.keys for p in (train, parts.valid, parts.test, *known)])
    users, items = np.divmod(np.setdiff1d(disliked.keys, met), train.n_columns)
    if parts.fold_in is not None:  # held-out users are not trained on, not even on noise
        trained = train.lengths[users] > 0
        users, items = users[trained], items[trained]
    if not len(users):
        raise UserError(
            f"--noise ratings must add a pair; the {counted(len(disliked), 'pair')} rated too low "
            "are of no user who is trained on, or are in the data already; use --noise 0.2"
        )
    noise = Csr.of(users, items, n_rows=train.n_rows, n_columns=train.n_columns)
    return replace(parts, train=_interleaved(train, noise, seed)), noise


def _interleaved(train: Csr, noise: Csr, seed: int) -> Csr:
    """Train and noise pairs: a user's train pairs in order, the noise at random places between."""
    own = np.arange(len(train)) - train.indptr[train.rows] + 0.5
    share = numpy_stream(seed, "noise places").random(len(noise))
    place = np.concatenate([own, share * (train.lengths[noise.rows] + 1)])
    rows = np.concatenate([train.rows, noise.rows])
    items = np.concatenate([train.indices, noise.indices])
    order = np.lexsort((place, rows))
    return Csr.of(rows[order], items[order], n_rows=train.n_rows, n_columns=train.n_columns)
