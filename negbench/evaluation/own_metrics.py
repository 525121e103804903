"""Metrics of plug-ins: `values(hits, relevant, k)`, called in blocks and checked. No torch.

    hits [B, K]    whether the item in each place of the list is relevant, best place first
    relevant [B]   how many items are relevant to the list's user, 1 or more, also beyond place K
    k              K

Returns the metric of each list, [B].
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric
from negbench.plugins import registry

Ints = NDArray[np.integer]
Floats = NDArray[np.float64]
BLOCK = 1 << 22
"""Places of lists that are handed over at once."""


def own_values(metric: Metric, rows: Ints, ranks: Ints, relevant: Ints) -> Floats:
    """A plug-in's metric of each list [n], from the ranks of relevant items; NaN without any.

    `rows` [h] and `ranks` [h] say whose each relevant item is and its rank from 1, 0 where it was
    not ranked; `relevant` [n] are the numbers of relevant items. Raises UserError if the plug-in is
    not here, or its function raises or gives anything but a number a list.
    """
    name, k = metric
    require_here(name)
    function = registry.load("metrics", name).values
    values = np.full(len(relevant), np.nan)
    within = (ranks > 0) & (ranks <= k)
    rows, places = rows[within], ranks[within].astype(np.int64) - 1
    lists = np.flatnonzero(relevant)
    place_of = np.full(len(relevant), -1)
    place_of[lists] = np.arange(len(lists))
    at = place_of[rows]
    step = max(1, BLOCK // k)
    for start in range(0, len(lists), step):
        block = lists[start : start + step]
        here = (at >= start) & (at < start + len(block))
        hits = np.zeros((len(block), k), dtype=bool)
        hits[at[here] - start, places[here]] = True
        values[block] = _checked(name, function, hits, relevant[block].astype(np.int64), k)
    return values


def require_here(name: str) -> None:
    """Raises UserError if no plug-in of this process has the metric."""
    if name not in registry.added("metrics"):
        raise UserError(
            f"metric {name} is a plug-in's and is not here to be computed; name its file with "
            "--plugin FILE, or ask for a metric, K and bands that the run measured"
        )


def _checked(name: str, function: Any, hits: Any, relevant: Any, k: int) -> Floats:
    try:
        values = np.asarray(function(hits, relevant, k), dtype=np.float64)
    except Exception as error:
        raise UserError(
            f"metric {name} must compute; its values(hits, relevant, k) raised "
            f"{type(error).__name__}: {error}"
        ) from error
    if values.shape != relevant.shape or not np.isfinite(values).all():
        got = list(values.shape) if values.shape != relevant.shape else "a value that is none"
        raise UserError(
            f"metric {name} must give one number a list, [{len(relevant)}]; got {got}; "
            "return a float for every row of hits"
        )
    return values
