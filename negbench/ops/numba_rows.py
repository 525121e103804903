"""Loops over rows of tables: scores, and the gradients that they send back.

Each reads or writes a row in place, so no rows are gathered. One thread and one order of additions:
the same arrays give the same bits. `numba_kernels` compiles them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def dots(query: Floats, items: Floats, ids: Ints, out: Floats) -> bool:
    """out[b, n] = <query b, item ids[b, n]>; False at the first id that no item has."""
    for b in range(ids.shape[0]):
        for n in range(ids.shape[1]):
            item = ids[b, n]
            if item < 0 or item >= items.shape[0]:
                return False
            total = np.float32(0)
            for d in range(items.shape[1]):
                total += query[b, d] * items[item, d]
            out[b, n] = total
    return True


def unit_dots(
    query: Floats, items: Floats, ids: Ints, tiny: float, out: Floats, inverse: Floats
) -> bool:
    """`dots` with the items' directions; inverse[b, n] = 1 / max(|item|, tiny)."""
    for b in range(ids.shape[0]):
        for n in range(ids.shape[1]):
            item = ids[b, n]
            if item < 0 or item >= items.shape[0]:
                return False
            total = square = np.float32(0)
            for d in range(items.shape[1]):
                total += query[b, d] * items[item, d]
                square += items[item, d] * items[item, d]
            inverse[b, n] = np.float32(1) / max(np.sqrt(square), tiny)
            out[b, n] = total * inverse[b, n]
    return True


def add_products(into: Floats, ids: Ints, weights: Floats, query: Floats, scale: float) -> None:
    """into[ids[b, n]] += scale weights[b, n] query b."""
    for b in range(ids.shape[0]):
        for n in range(ids.shape[1]):
            item, weight = ids[b, n], scale * weights[b, n]
            for d in range(query.shape[1]):
                into[item, d] += weight * query[b, d]


def add_two_products(
    into: Floats,
    ids: Ints,
    weights: Floats,
    query: Floats,
    along: Floats,
    items: Floats,
    scale: float,
) -> None:
    """into[i] += scale (weights[b, n] query b + along[b, n] item i), where i = ids[b, n]."""
    for b in range(ids.shape[0]):
        for n in range(ids.shape[1]):
            item, weight, own = ids[b, n], scale * weights[b, n], scale * along[b, n]
            for d in range(query.shape[1]):
                into[item, d] += weight * query[b, d] + own * items[item, d]


def add_rows(into: Floats, ids: Ints, rows: Floats, scale: float, others: Floats) -> bool:
    """into[ids[b]] += rows[b] + scale others[b]; False at the first id that no row has."""
    for b in range(ids.shape[0]):
        row = ids[b]
        if row < 0 or row >= into.shape[0]:
            return False
        for d in range(into.shape[1]):
            into[row, d] += rows[b, d] + scale * others[b, d]
    return True


def add_own_rows(into: Floats, ids: Ints, own: float, table: Floats) -> bool:
    """into[ids[b]] += own table[ids[b]]; False at the first id that no row has."""
    for b in range(ids.shape[0]):
        row = ids[b]
        if row < 0 or row >= into.shape[0]:
            return False
        for d in range(into.shape[1]):
            into[row, d] += own * table[row, d]
    return True


def paired_dots(left: Floats, right: Floats, out: Floats) -> None:
    """out[b] = <left b, right b>."""
    for b in range(left.shape[0]):
        total = np.float32(0)
        for d in range(left.shape[1]):
            total += left[b, d] * right[b, d]
        out[b] = total


def paired_slopes(
    weights: Floats, left: Floats, right: Floats, to_left: Floats, to_right: Floats
) -> None:
    """to_left[b] += weights[b] right b, to_right[b] = weights[b] left b."""
    for b in range(left.shape[0]):
        for d in range(left.shape[1]):
            to_left[b, d] += weights[b] * right[b, d]
        for d in range(left.shape[1]):
            to_right[b, d] = weights[b] * left[b, d]


def row_slopes(
    of_pos: Floats,
    of_neg: Floats,
    query: Floats,
    positive: Floats,
    items: Floats,
    ids: Ints,
    to_query: Floats,
    to_positive: Floats,
) -> None:
    """to_query[b] = of_pos[b] positive b + sum_n of_neg[b, n] item ids[b, n], and
    to_positive[b] = of_pos[b] query b."""
    for b in range(query.shape[0]):
        for d in range(query.shape[1]):
            to_query[b, d] = of_pos[b] * positive[b, d]
        for d in range(query.shape[1]):
            to_positive[b, d] = of_pos[b] * query[b, d]
        for n in range(ids.shape[1]):
            item, weight = ids[b, n], of_neg[b, n]
            for d in range(query.shape[1]):
                to_query[b, d] += weight * items[item, d]


def count_at_most(scores: Floats, levels: Floats, out: Ints) -> None:
    """out[b, m] = the number of scores[b, n] that are at most levels[b, m]."""
    for b in range(scores.shape[0]):
        for m in range(levels.shape[1]):
            level, count = levels[b, m], np.int32(0)
            for n in range(scores.shape[1]):
                count += np.int32(scores[b, n] <= level)
            out[b, m] = count


LOOPS: tuple[tuple[Callable[..., Any], str], ...] = (
    (dots, "ffif"),
    (unit_dots, "ffisff"),
    (add_products, "fiffs"),
    (add_two_products, "fiffffs"),
    (add_rows, "fjfsf"),
    (add_own_rows, "fjsf"),
    (paired_dots, "ffg"),
    (paired_slopes, "gffff"),
    (row_slopes, "gffffiff"),
    (count_at_most, "ffi"),
)
"""Each loop, and a letter of `numba_kernels.KINDS` for each of its arguments."""
