"""Random lists in closed form: expected accuracy and coverage of K unseen items.

User u has m items that can be shown, R of them relevant; a list of min(K, m) of them is drawn
without replacement. Then the item at any rank r is relevant with probability R/m, and

    E recall    = min(K, m) / m
    E precision = R/m min(K, m) / K
    E ndcg      = R/m sum_r 1/log2(r + 1) / (the ideal gain of min(R, K) items)
    E hit       = 1 - P(none),    P(none of the first r) = prod_{j<r} (m - R - j) / (m - j)
    E mrr       = sum_r 1/r P(first relevant item at r)
    E map       = 1/R sum_r 1/r R/m (1 + (r - 1) (R - 1) / (m - 1))

A relevant item that is never shown counts among those to find, as in `metric_kernels`. So the
values are exact, not simulated.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.evaluation.metric_names import Metric
from negbench.evaluation.popularity_bias import NAN, Floats, ratio

from .inputs import Audience, Ints


def random_accuracy(audience: Audience) -> Floats:
    """The expected metric of each user's random list, [n]; NaN without test items.

    NaN for all users where the metric is one of a plug-in, which has no closed form here.
    """
    users, test, seen = audience.users, audience.test, audience.seen.distinct
    unseen = ~np.isin(test.rows * test.n_columns + test.indices, seen.keys)
    reachable = np.bincount(test.rows[unseen], minlength=test.n_rows)[users]
    relevant, open_items = test.lengths[users], audience.n_items - seen.lengths[users]
    if audience.average == "events" and relevant.any():
        one = np.ones(len(users), int)
        each = _expected(audience.metric, one, one, open_items)
        events = np.where(relevant > 0, reachable, NAN)
        of_users: Floats = events * each / relevant[relevant > 0].mean()
        return of_users
    return _expected(audience.metric, reachable, relevant, open_items)


def random_coverage(users: Ints, seen: Csr, k: int) -> float:
    """The expected share of the items that the random lists of these users show to anybody.

    E coverage = mean_i (1 - prod_{u: i unseen} (1 - min(K, m_u) / m_u))
    """
    once = seen.distinct
    open_items = once.n_columns - once.lengths[users]
    missed = 1 - ratio(np.minimum(k, open_items), np.maximum(open_items, 1))
    logs = np.full(once.n_rows, 0.0)
    logs[users] = np.log(np.maximum(missed, 1e-300))
    by_item = logs[users].sum() - np.bincount(
        once.indices, weights=logs[once.rows], minlength=once.n_columns
    )
    return float((1 - np.exp(by_item)).mean()) if len(users) else NAN


def _expected(metric: Metric, reachable: Ints, relevant: Ints, m: Ints) -> Floats:
    """The expected metric [n] for R = `reachable` of the `relevant` items among m [n]."""
    name, k = metric
    open_relevant, wanted, items = (np.asarray(x, float) for x in (reachable, relevant, m))
    ranks = np.arange(1, k + 1)
    inside = ranks <= items[:, None]
    chance = ratio(open_relevant, items)
    with np.errstate(divide="ignore", invalid="ignore"):
        misses = np.where(inside, 1 - open_relevant[:, None] / (items[:, None] - ranks + 1), 1.0)
    none = np.cumprod(np.clip(misses, 0.0, 1.0), axis=1)  # of the first r ranks
    before = np.column_stack([np.ones(len(items)), none[:, :-1]])
    values: Mapping[str, Callable[[], Floats]] = {
        "recall": lambda: ratio(chance * inside.sum(1), wanted),
        "precision": lambda: chance * inside.sum(1) / k,
        "ndcg": lambda: chance * (inside / np.log2(ranks + 1)).sum(1) / _ideal(wanted, k),
        "hit": lambda: 1 - none[:, -1],
        "mrr": lambda: ((before - none) / ranks).sum(1),
        "map": lambda: ratio(_precisions(open_relevant, items, ranks, inside) * chance, wanted),
    }
    if name not in values:
        return np.full(len(items), NAN)
    return np.where(wanted > 0, values[name](), NAN)


def _ideal(wanted: Floats, k: int) -> Floats:
    gains = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    best: Floats = gains[np.clip(wanted.astype(int), 1, k) - 1]
    return best


def _precisions(found: Floats, items: Floats, ranks: Ints, inside: NDArray[np.bool_]) -> Floats:
    """The sum over r of 1/r times the expected hits down to r, given one at r, [n]."""
    others = ratio(found - 1, np.maximum(items - 1, 1))
    total: Floats = (inside * (1 + (ranks - 1) * others[:, None]) / ranks).sum(1)
    return total
