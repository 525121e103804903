"""True-negative rate, and the false-negative rate of judged draws, where negatives are known.

    tnr         = #{used (u, j): j in N_u} / #used            N_u: known negatives of u
    tnr_lift    = tnr / its expectation under uniform draws
    fnr_judged  = #{used (u, j): j in J_u and true} / #{used (u, j): j in J_u}
    fnr_random  = sum_u w_u #{used, judged, true} / sum_u w_u #{used, judged}
    w_u         ~ (I - |X_u|) / |J_u - X_u|

N_u is what u was shown in vain, rated too low, or judged and not true (`known_negatives`): a part
of all true negatives, so `tnr` is a lower bound, and compares by its lift. J_u are the judged pairs
without train pairs. Where the judged pairs are a random sample of each user's pairs, the judged
draws are one of all draws: w_u undoes that some users were judged more than others, and
`fnr_random` is the share of false ones among all draws of the users who were judged, exact in
expectation (Hajek's ratio). Counts and sums of squares by row are kept for the intervals.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.ops.axes import Mask, UserValues
from negbench.ops.epoch_means import EpochMeans
from negbench.probes.held_out import LIMIT, expected_false, pairs_with_rate, without
from negbench.probes.negative_ids import NegativeIds
from negbench.probes.row_counts import RowCounts
from negbench.probes.watched_rows import WatchedRows
from negbench.protocol.context import TrainContext
from negbench.scenario.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Judged:
    """Judged pairs outside train, which of them are true, and the weight of each user."""

    pairs: Membership
    true: Membership
    weight: UserValues | None
    """w_u [U], about 1 over uniform draws; None where the judged pairs are no random sample."""

    @classmethod
    def of(cls, scenario: Scenario, context: TrainContext) -> Self | None:
        """The judged pairs of a scenario; None where none, or every pair, is judged."""
        data, train = scenario.interactions, scenario.split.train
        if data.truth is None or data.judged is None:
            return None
        judged = without(data.judged, train)
        true = without(data.truth, train)
        true = _both(true, judged)
        pairs, share = pairs_with_rate(judged, scenario, context)
        weight = _weights(share, train, context) if data.judged_at_random else None
        return cls(pairs, Membership.of(true, limit=LIMIT, device=context.device), weight)


class TrueNegativeRate:
    """Counts the known negatives and the judged ones among the negatives of an epoch."""

    def __init__(self, scenario: Scenario, context: TrainContext) -> None:
        """Collect the known negatives and the judged pairs."""
        known = scenario.known_negatives
        self.known = None if known is None else pairs_with_rate(known, scenario, context)
        self.judged = Judged.of(scenario, context)
        self._reset()

    @property
    def measures(self) -> bool:
        """Whether the data know any negative or judged pair."""
        return self.known is not None or self.judged is not None

    def _reset(self) -> None:
        self.negative, self.true, self.random = RowCounts(), RowCounts(), RowCounts()
        self.sums = EpochMeans()

    def update(self, watched: WatchedRows | NegativeIds) -> None:
        """Count the negatives of the watched rows."""
        users, ids, mask = watched.users, watched.ids, watched.mask
        if self.known is not None:
            pairs, rate = self.known
            self.negative.update(pairs.contains(users, ids) & mask, mask)
            self.sums.add_sum("chance", expected_false(rate, users, watched.n))
        if self.judged is None:
            return
        judged: Mask = self.judged.pairs.contains(users, ids) & mask
        true = self.judged.true.contains(users, ids) & judged
        self.true.update(true, judged)
        if self.judged.weight is not None:
            weight = self.judged.weight[users].unsqueeze(1)
            self.random.update(true * weight, judged * weight)

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the sums."""
        negative, true, random, sums = self.negative, self.true, self.random, self.sums
        self._reset()
        metrics: dict[str, float] = {}
        if self.known is not None:
            chance, total = sums.total("chance"), negative.sums.total("total")
            metrics |= {**negative.named("tn"), "tnr": negative.share}
            metrics["tnr_expected"] = chance / total if total else float("nan")
            count = negative.sums.total("count")
            metrics["tnr_lift"] = count / chance if chance else float("nan")
        if self.judged is not None:
            metrics |= {**true.named("fj"), "fnr_judged": true.share}
            if self.judged.weight is not None:
                metrics |= {**random.named("fr"), "fnr_random": random.share}
        return metrics


def _weights(share: UserValues, train: Csr, context: TrainContext) -> UserValues:
    """The mean share of judged pairs, by rows, over each user's own; 0 where none is judged."""
    rows = torch.from_numpy(train.lengths).to(share)
    some = share > 0
    mean = (rows * share).sum() / (rows * some).sum().clamp(min=1)
    return torch.where(some, mean / share.where(some, 1.0), 0.0)


def _both(pairs: Csr, other: Csr) -> Csr:
    keys = np.intersect1d(pairs.keys, other.keys)
    rows, columns = np.divmod(keys, pairs.n_columns)
    return Csr.of(rows, columns, n_rows=pairs.n_rows, n_columns=pairs.n_columns)
