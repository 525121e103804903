"""Planted false negatives: train positives hidden on purpose, so their number is known exactly.

    planted_rate   share of used negatives that are planted, planted_lift against uniform draws
    planted_weight mean |dL/ds| at planted negatives over the mean at all used ones:
                   1 = weighted as any other, below 1 = less, above 1 = pushed down harder
    planted_auc    probability that the model scores a planted item above an unseen item that is
                   not a known positive: 1/2 = not separated, 1 = detected

The design is that of SRNS (Ding et al., NeurIPS 2020), which hides a share of the positives among
the candidates; these metrics are ours.
"""

from collections.abc import Callable

import torch

from negbench.ops.axes import PoolIds
from negbench.ops.epoch_means import EpochMeans
from negbench.probes.held_out import HeldOut, expected_false
from negbench.probes.watched_rows import WatchedRows


class PlantedNegatives:
    """Measures how planted pairs are sampled, weighted and scored in an epoch."""

    def __init__(
        self,
        held_out: HeldOut,
        others: Callable[[], PoolIds],
        rows: int,
        generator: torch.Generator,
    ) -> None:
        """Compare with the items `others()` [K]; `generator` picks the planted item to score."""
        self.held_out, self.others, self.rows = held_out, others, rows
        self.generator, self.sums = generator, EpochMeans()

    def update(self, watched: WatchedRows) -> None:
        """Add the watched rows to the sums."""
        planted, rate, sums = self.held_out.planted, self.held_out.planted_rate, self.sums
        assert planted is not None and rate is not None
        hit = planted.contains(watched.users, watched.ids) & watched.mask
        sums.add_sum("used", watched.mask.sum())
        sums.add_sum("hit", hit.sum())
        sums.add_sum("chance", expected_false(rate, watched.users, watched.n))
        if watched.slopes is not None:
            slopes = watched.slopes.abs().double() * watched.mask
            sums.add_sum("slope", slopes.sum())
            sums.add_sum("slope_hit", (slopes * hit).sum())
        self._detect(watched.subsample(self.rows))

    def _detect(self, watched: WatchedRows) -> None:
        planted = self.held_out.planted
        assert planted is not None
        n = planted.sizes[watched.users]
        share = torch.rand(len(n), generator=self.generator, device=n.device)
        at = planted.indptr[watched.users] + (share * n).long().clamp(max=(n - 1).clamp(min=0))
        # A user without planted pairs gets the next user's and is left out below.
        own = planted.keys[at.clamp(max=len(planted.keys) - 1)] % planted.n_items
        others = self.others()
        scores, mine = watched.scores(others), watched.scores_of(own)
        known = watched.step.context.excluded.contains_shared(watched.users, others)
        known |= self.held_out.pairs.contains_shared(watched.users, others)
        above = (scores < mine.unsqueeze(1)).double() + 0.5 * (scores == mine.unsqueeze(1))
        counted = ~known & (n > 0).unsqueeze(1)
        self.sums.add_sum("above", (above * counted).sum())
        self.sums.add_sum("compared", counted.sum())

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the sums."""
        sums, self.sums = self.sums, EpochMeans()
        weight = sums.share("slope_hit", "hit") / (sums.share("slope", "used") or float("nan"))
        return {
            "planted_total": sums.total("used"),
            "planted_rate": sums.share("hit", "used"),
            "planted_expected": sums.share("chance", "used"),
            "planted_lift": sums.share("hit", "chance"),
            "planted_weight": weight,
            "planted_auc": sums.share("above", "compared"),
        }
