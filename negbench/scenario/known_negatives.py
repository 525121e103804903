"""Known negatives: pairs that a user was shown and did not choose, or rated too low.

For training (`known_in_training`) only what is known by then counts, and no label of a held-out
pair is looked at:

- ground truth and judged pairs are held out, so neither they nor their labels are used;
- where times are known, a pair later than its user's last train pair is left out;
- pairs rated too low without a time are left out under a split that follows an order, and under
  one that comes with the data, for they may be of the held-out part;
- users who are not trained on have none, and train pairs are none.

So a pair that was shown in vain and chosen later is among them even if the later choice is held
out: to leave it out would tell a sampler which held-out pairs to avoid.

For measuring (`known_in_all`) hindsight is right: everything that was shown in vain, rated too low,
or judged and not true, without any pair that is a positive anywhere. Data whose every pair is
judged have no such list, since there the true-negative rate is 1 minus the false-negative rate.
"""

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr, Interactions, Split

Times = NDArray[np.float64] | None
WITHOUT_ORDER = ("random", "truth", "popularity_shift", "cold_items")
"""Split rules under which train pairs are of the whole period."""


def offers_known_negatives(data: Interactions, parts: Split) -> bool:
    """Whether training may look at known negatives of these data under this split."""
    return bool(_sources(data, parts))


def known_in_training(data: Interactions, parts: Split) -> Csr:
    """The known negatives that a method may look at, each once, [U, I]; maybe none."""
    early = [_early(pairs, times, data, parts) for pairs, times in _sources(data, parts)]
    known = _without(reduce(Csr.join, early, _empty(parts)), [parts.train])
    return _of_users(known, parts.train.lengths > 0)


def known_in_all(data: Interactions, parts: Split, planted: Csr | None = None) -> Csr | None:
    """Every pair known to be a negative, each once, [U, I]; None where nothing tells of any."""
    judged = data.judged if data.truth is not None else None
    sources = [each for each in (judged, data.disliked, data.unchosen) if each is not None]
    if not sources:
        return None
    left = Csr.of(data.users, data.items, n_rows=data.n_users, n_columns=data.n_items)
    more = (left, parts.fold_in, data.truth, planted)  # a split may leave pairs in no part
    positive = [parts.train, parts.valid, parts.test, *(each for each in more if each is not None)]
    return _without(reduce(Csr.join, sources, _empty(parts)), positive)


def _sources(data: Interactions, parts: Split) -> list[tuple[Csr, Times]]:
    """What may be looked at, before times are compared, and its times."""
    given = parts.rule_name == "files"
    timeless = parts.rule_name in WITHOUT_ORDER
    sources: list[tuple[Csr, Times]] = []
    for pairs, times, fair in (
        (data.unchosen, data.unchosen_times, timeless or given),
        (None if given else data.disliked, data.disliked_times, timeless),
    ):
        timed = times is not None and data.times is not None
        if pairs is not None and (timed or fair):
            sources.append((pairs, times if timed else None))
    return sources


def _early(pairs: Csr, times: Times, data: Interactions, parts: Split) -> Csr:
    """The pairs no later than their user's last train pair; all of them without times."""
    if times is None:
        return pairs
    return _kept(pairs, times <= _last_times(data, parts.train)[pairs.rows])


def _last_times(data: Interactions, train: Csr) -> NDArray[np.float64]:
    """The time of each user's last train pair, [U]; minus infinity without one.

    Of a pair that comes again (`--repeats keep`) as many as are in train count, the earliest ones.
    """
    assert data.times is not None
    last = np.full(data.n_users, -np.inf)
    keys = data.users * data.n_items + data.items
    by = np.lexsort((data.times, keys))
    keys = keys[by]
    nth = np.arange(len(keys)) - np.searchsorted(keys, keys)
    times_in_train = np.searchsorted(train.keys, keys, "right") - np.searchsorted(train.keys, keys)
    inside = by[nth < times_in_train]
    np.maximum.at(last, data.users[inside], data.times[inside])
    return last


def _empty(parts: Split) -> Csr:
    return Csr.of([], [], n_rows=parts.n_users, n_columns=parts.n_items)


def _without(pairs: Csr, others: list[Csr]) -> Csr:
    """The distinct pairs that none of the others holds."""
    keys = np.setdiff1d(pairs.keys, np.concatenate([each.keys for each in others]))
    rows, columns = np.divmod(keys, pairs.n_columns)
    return Csr.of(rows, columns, n_rows=pairs.n_rows, n_columns=pairs.n_columns)


def _of_users(pairs: Csr, users: NDArray[np.bool_]) -> Csr:
    return _kept(pairs, users[pairs.rows])


def _kept(pairs: Csr, keep: NDArray[np.bool_]) -> Csr:
    size = {"n_rows": pairs.n_rows, "n_columns": pairs.n_columns}
    return Csr.of(pairs.rows[keep], pairs.indices[keep], **size)
