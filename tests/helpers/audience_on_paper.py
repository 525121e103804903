"""An audience small enough to be worked out on paper, and random ones for naive twins."""

import numpy as np

from negbench.analysis.audit.inputs import Audience
from negbench.data.interactions import Csr
from negbench.evaluation.metric_names import Metric
from negbench.scenario.popularity_bands import Bands


def rows(lists, n_items):
    users = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
    items = [item for each in lists for item in each]
    return Csr.of(users, items, n_rows=len(lists), n_columns=n_items)


def audience(train, test, n_items, metric=("ndcg", 2), bands="items:0.2,0.8", **more):
    parts = {"train": rows(train, n_items), "test": rows(test, n_items)}
    return Audience(
        metric=Metric(*metric),
        users=np.arange(len(train)),
        profiles=parts["train"],
        seen=parts["train"],
        bands=Bands.of(parts["train"].counts, bands),
        user_ids=[f"u{at}" for at in range(len(train))],
        item_ids=[f"i{at}" for at in range(n_items)],
        **parts,
        **more,
    )


def drawn(rng, n_users=30, n_items=12, most=5, **more):
    train = [rng.choice(n_items, rng.integers(1, most), replace=False) for _ in range(n_users)]
    test = []
    for own in train:
        rest = np.setdiff1d(np.arange(n_items), own)
        test.append(rng.choice(rest, rng.integers(0, 4), replace=False))
    return audience(train, test, n_items, **more)
