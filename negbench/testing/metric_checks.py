"""Conformance checks of a metric: one number a list, each list by itself, inputs left alone."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.ops import rng

Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]
LENGTHS = (1, 5, 20)


def lists_of(k: int) -> tuple[Hits, Counts]:
    """Forty lists of K, hits [40, K] and relevant [40]: the first empty, the second full."""
    draws = rng.numpy_stream(0, "lists", k)
    hits = draws.random((40, k)) < 0.3
    hits[0], hits[1] = False, True
    return hits, np.maximum(hits.sum(1), 1) + draws.integers(0, 5, 40)


def one_number_a_list(module: ModuleType) -> None:
    """A finite float for every list, at every K; also where nothing was found."""
    for k in LENGTHS:
        hits, relevant = lists_of(k)
        _values(module, hits, relevant, k)
        _values(module, hits[:1], relevant[:1], k)


def a_list_by_itself(module: ModuleType) -> None:
    """A list has the same value alone and among others, in any order."""
    for k in LENGTHS:
        hits, relevant = lists_of(k)
        values = _values(module, hits, relevant, k)
        backwards = _values(module, hits[::-1].copy(), relevant[::-1].copy(), k)[::-1]
        alone = [_values(module, hits[[row]], relevant[[row]], k)[0] for row in range(len(hits))]
        same = np.allclose(values, backwards) and np.allclose(values, alone)
        assert same, "the value of a list must not depend on the other lists of `hits`"


def inputs_stay(module: ModuleType) -> None:
    """`hits` and `relevant` are not written to."""
    hits, relevant = lists_of(5)
    before = hits.copy(), relevant.copy()
    _values(module, hits, relevant, 5)
    assert (hits == before[0]).all() and (relevant == before[1]).all(), (
        "`values` must not write to `hits` or `relevant`; copy them first"
    )


def more_is_better(module: ModuleType) -> None:
    """A list whose places are all relevant is worth no less than one without any."""
    for k in LENGTHS:
        hits = np.array([[False] * k, [True] * k])
        empty, full = _values(module, hits, np.array([k, k], np.int64), k)
        assert full >= empty, (
            f"higher must be better: with K = {k} a list of hits alone has {full:g}, one without "
            f"any {empty:g}"
        )


def _values(module: ModuleType, hits: Hits, relevant: Counts, k: int) -> NDArray[np.float64]:
    values: Any = module.values(hits, relevant, k)
    shape = np.shape(values)
    assert shape == (len(hits),), (
        f"`values` must return one number a list, [{len(hits)}]; got {list(shape)}"
    )
    numbers = np.asarray(values, np.float64)
    wrong = numbers[~np.isfinite(numbers)]
    assert not len(wrong), f"`values` must return finite numbers; got {wrong[0]} with K = {k}"
    return numbers


METRIC_CHECKS: dict[str, Callable[[ModuleType], None]] = {
    "one_number_a_list": one_number_a_list,
    "a_list_by_itself": a_list_by_itself,
    "inputs_stay": inputs_stay,
    "more_is_better": more_is_better,
}
"""Every check by name."""
