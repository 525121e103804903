"""What a cell keeps of its rankings, in the smallest types that hold it.

The lists are deeper than the metrics need and every held-out pair keeps its rank, so that another
metric, another K or other bands can be read off later, without training again.
"""

from collections.abc import Mapping

import numpy as np

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import Ranking
from negbench.scenario.scenario import Scenario
from negbench.storage.cell_store import Array


def of_users(test: Ranking, scenario: Scenario) -> dict[str, Array]:
    """Per-user arrays of the test part: lists, metrics and activity; items' counts and bands."""
    train = scenario.split.train
    values = {f"{m}@{k}/{band}": v for (m, k, band), v in test.values.items()}
    return {
        "users": test.users.astype(np.int32),
        "top": test.top.astype(np.min_scalar_type(-train.n_columns)),  # signed, for the -1
        "activity": scenario.profiles.lengths[test.users].astype(np.int32),
        "item_counts": train.counts.astype(np.int32),
        "item_bands": scenario.bands.labels,
        **values,
    }


def of_held_out(rankings: Mapping[str, Ranking], scenario: Scenario) -> dict[str, Array]:
    """The pairs of each ranked part and their ranks, user by user: see the layout of a cell."""
    arrays: dict[str, Array] = {}
    for part, ranking in rankings.items():
        pairs: Csr = getattr(scenario.split, part)
        of_item = np.min_scalar_type(pairs.n_columns)
        lengths = pairs.lengths[ranking.users]
        arrays |= {
            f"{part}_users": ranking.users.astype(np.int32),
            f"{part}_lengths": lengths.astype(np.min_scalar_type(lengths.max(initial=0))),
            f"{part}_items": pairs.indices.astype(of_item),
            f"{part}_ranks": ranking.ranks.astype(of_item),
        }
    return arrays
