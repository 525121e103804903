"""Scenarios of the benchmarks: real data sets where present, else random ones of their shape."""

from functools import cache
from pathlib import Path

import numpy as np

from negbench.data.interactions import Interactions
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.scenario import Scenario, prepare
from negbench.scenario.splits import split

SHAPES = {"ml_1m": (6_040, 3_416, 1_000_000), "gowalla": (29_858, 40_981, 1_027_000)}
"""Users, items and pairs."""
REAL = {"ml_1m": ("ml_1m_sasrec", "leave_one_out"), "gowalla": ("gowalla", "files(0.1)")}


@cache
def scenario_of(name: str, data_dir: Path | None = None) -> Scenario:
    """`ml_1m` or `gowalla` from `data_dir`, else synthetic of that shape; or an embedded set."""
    if name in REAL and data_dir is not None:
        dataset, rule = REAL[name]
        return prepare(dataset, rule=rule, data_dir=data_dir)
    return (
        synthetic_scenario(*SHAPES[name], name=f"{name}-shaped")
        if name in SHAPES
        else prepare(name)
    )


def synthetic_scenario(n_users: int, n_items: int, n: int, *, name: str, seed: int = 0) -> Scenario:
    """Pairs of lognormal activity and Zipf popularity in random order, nine tenths train."""
    data = synthetic_interactions(n_users, n_items, n, name=name, seed=seed)
    parts = split(data, "ratio(0.9,0.05,0.05)")
    return Scenario(data, parts, Bands.of(parts.train.counts, "mass"), "train")


def synthetic_interactions(
    n_users: int, n_items: int, n: int, *, name: str, seed: int
) -> Interactions:
    """About n distinct pairs; users and items are drawn independently, so without taste."""
    random = np.random.default_rng(seed)
    activity = random.lognormal(0, 1, n_users)
    popularity = 1 / (np.arange(n_items) + 10.0) ** 0.9
    keys = np.empty(0, np.int64)
    while len(keys) < 0.98 * n:
        short = int(1.1 * (n - len(keys))) + 1
        users = random.choice(n_users, short, p=activity / activity.sum())
        items = random.choice(n_items, short, p=popularity / popularity.sum())
        keys = np.unique(np.concatenate([keys, users * n_items + items]))
    keys = random.permutation(keys)[:n]
    users, items = np.divmod(keys, n_items)
    return Interactions(name, users, items, n_users, n_items, order="rows")
