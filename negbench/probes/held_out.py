"""Held-out positives of each user: known to probes, hidden from training.

A negative (u, j) is false if j is held out for u: in valid, in test, among the planted pairs, or in
the ground truth where the data have one, and not in train. With ground truth for every pair the
false-negative rate is exact; without it, or where some pairs were judged alone, some positives are
unknown and the rate is a lower bound (`true_negative_rate` has the rate among judged pairs).

Under a split by users nobody who is trained on has held-out positives: without ground truth or
planted pairs no rate is known, and none is given.

    expected = sum_b n_b |H_u - X_u| / (I - |X_u|)  /  sum_b n_b

is the false-negative rate of uniform sampling over the same rows, in closed form: H_u held out, X_u
excluded from sampling, n_b negatives of row b.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
import torch

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.ops.axes import Rows, Scalar, UserValues
from negbench.protocol.context import TrainContext
from negbench.scenario.scenario import Scenario

LIMIT = 1 << 27
"""Largest bit mask in bytes; above it look-ups search sorted keys, fast enough for probes."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The held-out positives of every user, and the chance that a uniform draw is one."""

    pairs: Membership
    rate: UserValues
    """|H_u - X_u| / (I - |X_u|) of each user, [U] float64; 0 where no item is left."""
    exact: bool
    of_train: bool = True
    """Whether users who are trained on have held-out positives; else no negative can be false."""
    planted: Membership | None = None
    planted_rate: UserValues | None = None
    """`rate` over the planted pairs alone."""

    @classmethod
    def of(cls, scenario: Scenario, context: TrainContext) -> Self:
        """Collect the positives of valid, test, planted pairs and ground truth, without train."""
        parts = scenario.split
        truth, planted = scenario.interactions.truth, scenario.planted
        known = [part for part in (parts.test, planted, truth) if part is not None]
        held = without(reduce(Csr.join, known, parts.valid), parts.train)
        pairs, rate = pairs_with_rate(held, scenario, context)
        of_train = parts.fold_in is None or bool(parts.train.lengths[held.rows].any())
        exact = knows_every_pair(scenario)
        if planted is None:
            return cls(pairs, rate, exact, of_train)
        return cls(pairs, rate, exact, of_train, *pairs_with_rate(planted, scenario, context))


def knows_every_pair(scenario: Scenario) -> bool:
    """Whether the ground truth is of every pair, so that rates are exact."""
    data = scenario.interactions
    return data.truth is not None and data.judged is None


def rate_of_rows(rate: UserValues, rows: UserValues) -> tuple[float, float]:
    """The rate p of uniform draws for rows_u rows of each user [U], and the rows' alikeness.

    The latter is the intraclass correlation of two draws of a row, Var(rate_u) / (p (1 - p)): n
    draws of one row fix p as well as n / (1 + (n - 1) alikeness) draws of different rows (Kish).
    """
    weights = rows / rows.sum().clamp(min=1)
    p = float((rate * weights).sum())
    variance = float(((rate - p) ** 2 * weights).sum())
    return p, variance / (p * (1 - p)) if 0 < p < 1 else 0.0


def expected_false(rate: UserValues, users: Rows, n: Rows) -> Scalar:
    """Expected number of false negatives in `n` [B] uniform draws for `users` [B], a scalar."""
    return (rate[users] * n).sum()


def pairs_with_rate(
    held: Csr, scenario: Scenario, context: TrainContext
) -> tuple[Membership, UserValues]:
    """Pairs in a look-up table, and the chance of each user that a uniform draw is one, [U]."""
    reachable = without(held, scenario.excluded).lengths
    free = context.n_items - context.excluded.sizes.cpu().numpy()
    rate = np.divide(reachable, free, out=np.zeros(len(free)), where=free > 0)
    pairs = Membership.of(held, limit=LIMIT, device=context.device)
    return pairs, torch.from_numpy(rate).to(context.device)


def without(pairs: Csr, other: Csr) -> Csr:
    """The distinct pairs of the one part that the other does not hold."""
    keys = np.setdiff1d(pairs.keys, other.keys)
    rows, columns = np.divmod(keys, pairs.n_columns)
    return Csr.of(rows, columns, n_rows=pairs.n_rows, n_columns=pairs.n_columns)
