"""Accuracy of lists alone, where no full ranking is known: lists of others, and anchors.

A rank is a place in the list, from 1; what the list does not hold is not ranked, so a metric can be
read at a K up to the length of the lists.
"""

import numpy as np

from negbench.evaluation.metric_kernels import event_values, metric_values
from negbench.evaluation.metric_names import Metric
from negbench.evaluation.popularity_bias import Floats

from .inputs import Audience, Ints

NOT_RANKED = 0
Pairs = tuple[Ints, Ints, Ints]
"""Of each test pair its line among the users, its item and its rank."""


def test_ranks(audience: Audience, tops: Ints) -> Pairs:
    """The test pairs of the users of the lists [n, K], each with its rank."""
    test, users = audience.test, audience.users
    place = np.full(test.n_rows, -1)
    place[users] = np.arange(len(users))
    mine = place[test.rows] >= 0
    rows, items = place[test.rows[mine]], test.indices[mine].astype(np.int64)
    line, rank = np.nonzero(tops >= 0)
    keys = line * audience.n_items + tops[line, rank]
    order = np.argsort(keys, kind="stable")
    asked = rows * audience.n_items + items
    at = np.minimum(np.searchsorted(keys[order], asked), max(len(keys) - 1, 0))
    ranks = np.full(len(asked), NOT_RANKED)
    if len(keys):
        hit = keys[order][at] == asked
        ranks[hit] = rank[order][at][hit] + 1
    return rows, items, ranks


def list_accuracy(audience: Audience, tops: Ints, metric: Metric | None = None) -> Floats:
    """The metric of each user's list, [n]; NaN for a user without test items."""
    rows, _, ranks = test_ranks(audience, tops)
    relevant = np.bincount(rows, minlength=len(audience.users))
    of = event_values if audience.average == "events" else metric_values
    asked = metric or audience.metric
    return of(rows, ranks, relevant, [asked])[asked]
