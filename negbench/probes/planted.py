"""Planted false negatives: train positives that were hidden on purpose, so the truth is known.

    planted_rate   share of used negatives that are planted, planted_lift against uniform draws
    planted_weight mean slope of the loss at planted negatives over the mean at all used ones:
                   1 = treated as any other, below 1 = spared, above 1 = pushed down harder
    planted_auc    probability that the model scores a planted item above an unseen item that is
                   not known to be liked: 1/2 = not told apart, 1 = detected

The design is that of SRNS (Ding et al., NeurIPS 2020), which hides a share of the positives among
the candidates; the figures are ours.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from negbench.ops.epoch_means import Tally
from negbench.probes.held_out import HeldOut, expected
from negbench.probes.watched_rows import Sight


class Planted:
    """Follows the planted pairs over an epoch."""

    def __init__(
        self, held_out: HeldOut, others: Callable[[], Tensor], rows: int, generator: torch.Generator
    ) -> None:
        """Compare with `others()` [K]; `generator` picks the planted item that is scored."""
        self.held_out, self.others, self.rows = held_out, others, rows
        self.generator, self.sums = generator, Tally()

    def see(self, sight: Sight) -> None:
        """Follow one sight."""
        planted, rate, sums = self.held_out.planted, self.held_out.planted_rate, self.sums
        assert planted is not None and rate is not None
        hit = planted.contains(sight.users, sight.ids) & sight.mask
        sums.add("used", sight.mask.sum())
        sums.add("hit", hit.sum())
        sums.add("chance", expected(rate, sight.users, sight.n))
        if sight.slopes is not None:
            slopes = sight.slopes.abs().double() * sight.mask
            sums.add("slope", slopes.sum())
            sums.add("slope_hit", (slopes * hit).sum())
        self._detect(sight.first(self.rows))

    def _detect(self, sight: Sight) -> None:
        planted = self.held_out.planted
        assert planted is not None
        n = planted.sizes[sight.users]
        share = torch.rand(len(n), generator=self.generator, device=n.device)
        at = planted.indptr[sight.users] + (share * n).long().clamp(max=(n - 1).clamp(min=0))
        # A user without any is looked up at the next one's and left out below.
        own = planted.keys[at.clamp(max=len(planted.keys) - 1)] % planted.n_items
        others = self.others()
        scores, mine = sight.scores(others), sight.scores_of(own)
        known = sight.step.context.excluded.contains_shared(sight.users, others)
        known |= self.held_out.pairs.contains_shared(sight.users, others)
        above = (scores < mine.unsqueeze(1)).double() + 0.5 * (scores == mine.unsqueeze(1))
        counted = ~known & (n > 0).unsqueeze(1)
        self.sums.add("above", (above * counted).sum())
        self.sums.add("compared", counted.sum())

    def figures(self) -> dict[str, float]:
        """The epoch's figures."""
        sums, self.sums = self.sums, Tally()
        spared = sums.share("slope_hit", "hit") / (sums.share("slope", "used") or float("nan"))
        return {
            "planted_rate": sums.share("hit", "used"),
            "planted_expected": sums.share("chance", "used"),
            "planted_lift": sums.share("hit", "chance"),
            "planted_weight": spared,
            "planted_auc": sums.share("above", "compared"),
        }
