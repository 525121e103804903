"""Hardness: where the negatives stand among all that the user has not had, when they are drawn.

    percentile(u, j) = share of the user's unseen items that score below j (ties count half)
    hard(u, j)       = percentile >= 0.9,    gap(u, j) = s_uj - s_ui
    fhnr             = #{used, hard, j in H_u} / #{used, hard}

A negative is false and hard at once where it harms most. Watched by `sample`, the percentile is
taken among a few hundred items that change with the epoch; by `full`, among all.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.ops.epoch_means import Tally
from negbench.probes.held_out import HeldOut
from negbench.probes.watched_rows import Sight

HARD = 0.9
"""From this percentile on a negative is hard: the top tenth of the user's scores."""
QUANTILES = (10, 50, 90)
ROUNDING = 1e-6
"""Scores this close, relative to the row's largest, are ties: two ways to sum one dot product."""
FEW = 8
"""Up to so many negatives of a row comparing with all is quicker than sorting first."""
KEPT = 4096
"""Values of a step that the quantiles rest on, at most."""


class Hardness:
    """Ranks negatives among the user's unseen items."""

    def __init__(self, held_out: HeldOut, others: Callable[[], Tensor], rows: int) -> None:
        """Rank against `others()`, the ids [K] of the epoch, at most so many rows of a sight."""
        self.held_out, self.others, self.rows = held_out, others, rows
        self._begin()

    def _begin(self) -> None:
        self.sums = Tally()
        self.kept: dict[str, list[NDArray[np.float32]]] = {"gap": [], "percentile": []}

    def see(self, sight: Sight) -> None:
        """Rank one sight."""
        sight = sight.first(self.rows)
        percentile = standing(sight, self.others(), sight.s_neg)
        hard = (percentile >= HARD) & sight.mask
        false = hard & self.held_out.pairs.contains(sight.users, sight.ids)
        self.sums.add("used", sight.mask.sum())
        self.sums.add("hard", hard.sum())
        self.sums.add("false", false.sum())
        gap = sight.s_neg - sight.s_pos.unsqueeze(1)
        for name, values in (("gap", gap), ("percentile", percentile)):
            flat = values[sight.mask]
            self.kept[name].append(_thin(flat).float().cpu().numpy())

    def figures(self) -> dict[str, float]:
        """The epoch's hardness."""
        sums, kept = self.sums, self.kept
        self._begin()
        told = {
            "hard": sums.share("hard", "used"),
            "fhnr": sums.share("false", "hard"),
            "hard_watched": sums.get("hard"),
        }
        for name, parts in kept.items():
            values = np.concatenate(parts) if parts else np.zeros(0)
            for q in QUANTILES:
                told[f"{name}_p{q}"] = float(np.percentile(values, q)) if len(values) else np.nan
        return told


def standing(sight: Sight, others: Tensor, scores: Tensor) -> Tensor:
    """The percentile of scores [r, N] among the unseen of the items `others` [K], [r, N]."""
    seen = sight.step.context.excluded.contains_shared(sight.users, others)
    against = sight.scores(others).masked_fill_(seen, torch.inf)
    n = (~seen).sum(1, keepdim=True).clamp(min=1)
    slack = ROUNDING * scores.abs().amax(1, keepdim=True)
    low, high = scores - slack, scores + slack
    if scores.shape[1] <= FEW:
        below = (against.unsqueeze(1) < low.unsqueeze(2)).sum(2)
        upto = (against.unsqueeze(1) <= high.unsqueeze(2)).sum(2)
    else:
        against = against.sort(1).values
        below, upto = (
            torch.searchsorted(against, low),
            torch.searchsorted(against, high, right=True),
        )
    return (below + upto) / (2.0 * n)


def _thin(values: Tensor) -> Tensor:
    return values[:: len(values) // KEPT + 1]
