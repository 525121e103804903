"""What a probe may know and no method: the positives of each user that training is not told.

A negative (u, j) is false if j is held out for u: in valid, in test, among the planted pairs, or in
the truth where the data have one, and not in train. With a truth the rate of false negatives is
exact; without it some positives are known to nobody and the rate is a lower bound.

    expected = sum_b n_b |H_u - X_u| / (I - |X_u|)  /  sum_b n_b

is the rate of uniform draws over the same rows, in closed form: H_u held out, X_u excluded from the
draws, n_b negatives of row b.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
import torch
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.protocol.context import TrainContext
from negbench.scenario.scenario import Scenario

LIMIT = 1 << 27
"""Bytes of a packed mask: probes look up little, so beyond this sorted keys will do."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The held-out positives of every user, and how likely a uniform draw is to meet one."""

    pairs: Membership
    rate: Tensor
    """|H_u - X_u| / (I - |X_u|) of each user, [U] float64; 0 where no item is left."""
    exact: bool
    planted: Membership | None = None
    planted_rate: Tensor | None = None
    """The same over the planted pairs alone."""

    @classmethod
    def of(cls, scenario: Scenario, context: TrainContext) -> Self:
        """Gather them from all parts but train."""
        parts = scenario.split
        truth, planted = scenario.interactions.truth, scenario.planted
        known = [part for part in (parts.test, planted, truth) if part is not None]
        held = _without(reduce(Csr.join, known, parts.valid), parts.train)
        pairs, rate = _with_rate(held, scenario, context)
        if planted is None:
            return cls(pairs, rate, truth is not None)
        return cls(pairs, rate, truth is not None, *_with_rate(planted, scenario, context))


def expected(rate: Tensor, users: Tensor, n: Tensor) -> Tensor:
    """The sum over rows of `n` [B] uniform draws for `users` [B] of being false, a scalar."""
    return (rate[users] * n).sum()


def _with_rate(held: Csr, scenario: Scenario, context: TrainContext) -> tuple[Membership, Tensor]:
    reachable = _without(held, scenario.excluded).lengths
    free = context.n_items - context.excluded.sizes.cpu().numpy()
    rate = np.divide(reachable, free, out=np.zeros(len(free)), where=free > 0)
    pairs = Membership.of(held, limit=LIMIT, device=context.device)
    return pairs, torch.from_numpy(rate).to(context.device)


def _without(pairs: Csr, other: Csr) -> Csr:
    """The distinct pairs that are not among the other's."""
    keys = np.setdiff1d(pairs.keys, other.keys)
    rows, columns = np.divmod(keys, pairs.n_columns)
    return Csr.of(rows, columns, n_rows=pairs.n_rows, n_columns=pairs.n_columns)
