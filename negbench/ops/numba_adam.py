"""Loops of Adam over the rows that a step reads and touches (`training/row_moments.py`).

A row, its moments and its gradient are read and written once, one row after the other. `last` is
the step that a row's moments are those of, and `moving` whether it has momentum left.
`numba_kernels` compiles them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Steps = NDArray[np.int32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def move_late_rows(
    ids: Ints,
    values: Floats,
    mean: Floats,
    square: Floats,
    last: Steps,
    moving: Flags,
    sums: NDArray[np.float64],
    first: int,
    step: int,
    reach: int,
    b1: float,
    b2: float,
    eps: float,
) -> bool:
    """Make the moves that the rows `ids` have missed up to `step`, a row once however often it
    stands there; False at the first id that no row has.

    `sums` [2, n] are those of `MissedMoves`, from step `first` on; after `reach` steps a row rests.
    """
    fast, slow = np.log(b1), np.log(b2)
    for place in range(ids.shape[0]):
        row = ids[place]
        if row < 0 or row >= values.shape[0]:
            return False
        if not moving[row] or last[row] >= step:
            continue
        gap, at = step - last[row], last[row] - first
        moves = sums[0, at]
        floor = np.float32(eps * sums[1, at] / moves if moves > 0 else eps)
        share, kept = np.float32(moves), np.float32(np.exp(gap * slow))
        left = np.float32(0 if gap >= reach else np.exp(gap * fast))
        for d in range(values.shape[1]):
            values[row, d] -= share * mean[row, d] / (np.sqrt(square[row, d]) + floor)
            mean[row, d] *= left
            square[row, d] *= kept
        last[row], moving[row] = step, gap < reach
    return True


def sum_by_row(
    ids: Ints, gradients: Floats, places: Steps, rows: Ints, sums: Floats, counted: Ints
) -> bool:
    """Add gradients [n, D] of the rows `ids` [n] to `sums`, one place for each row; False at the
    first id that no row has.

    Rows get their places in the order in which they first come: `places` [R] has them, -1 where a
    row has none yet, `rows` the row of each place, and `counted` [1] the number of places.
    """
    for b in range(ids.shape[0]):
        row = ids[b]
        if row < 0 or row >= places.shape[0]:
            return False
        place = places[row]
        if place < 0:
            place = np.int32(counted[0])
            places[row], rows[place] = place, row
            counted[0] += 1
            for d in range(sums.shape[1]):
                sums[place, d] = gradients[b, d]
        else:
            for d in range(sums.shape[1]):
                sums[place, d] += gradients[b, d]
    return True


def update_rows(
    rows: Ints,
    gradients: Floats,
    values: Floats,
    mean: Floats,
    square: Floats,
    last: Steps,
    moving: Flags,
    step: int,
    rate: float,
    b1: float,
    b2: float,
    eps: float,
) -> None:
    """Adam's step `step` of the rows [n], which stand there once and have missed no move."""
    new, fresh = np.float32(1 - b1), np.float32(1 - b2)
    move, floor = np.float32(rate / (1 - b1**step)), np.float32(eps)
    spread, slow = np.float32(1 / np.sqrt(1 - b2**step)), np.log(b2)
    for place in range(rows.shape[0]):
        row = rows[place]
        gap = step - last[row]  # a row at rest has more than one
        kept = np.float32(b2 if gap == 1 else np.exp(gap * slow))
        for d in range(values.shape[1]):
            slope = gradients[place, d]
            m = mean[row, d] + new * (slope - mean[row, d])
            v = kept * square[row, d] + fresh * slope * slope
            values[row, d] -= move * m / (np.sqrt(v) * spread + floor)
            mean[row, d], square[row, d] = m, v
        last[row], moving[row] = step, True


LOOPS: tuple[tuple[Callable[..., Any], str], ...] = (
    (move_late_rows, "jfffkbennnddd"),
    (sum_by_row, "jfkjfj"),
    (update_rows, "jffffkbndddd"),
)
"""Each loop, and a letter of `numba_kernels.KINDS` for each of its arguments."""
