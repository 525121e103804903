"""Hardness: score percentile of the negatives among the user's unseen items, when drawn.

    percentile(u, j) = share of the user's unseen items that score below j (ties count half)
    hard(u, j)       = percentile >= 0.9,    gap(u, j) = s_uj - s_ui
    fhnr             = fhn_count / fhn_total = #{used, hard, j in H_u} / #{used, hard}

A negative that is both false and hard does the most harm. With `--probe sample` the percentile is
taken among a few hundred items that change with the epoch; with `full`, among all.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.ops.axes import AnyShape, PoolIds, Scores
from negbench.ops.epoch_means import EpochMeans
from negbench.probes.held_out import HeldOut
from negbench.probes.row_counts import RowCounts
from negbench.probes.watched_rows import WatchedRows

HARD = 0.9
"""From this percentile on a negative is hard: the top tenth of the user's scores."""
QUANTILES = (10, 50, 90)
ROUNDING = 1e-6
"""Scores this close, relative to the row's largest, are ties: dot products round differently."""
COMPARE_BELOW = 8
"""Up to this many negatives of a row, comparing each with all items is faster than a sort."""
QUANTILE_SAMPLE = 4096
"""Values of a step that enter the quantiles, at most."""


class Hardness:
    """Ranks the negatives of an epoch among their user's unseen items."""

    def __init__(self, held_out: HeldOut, others: Callable[[], PoolIds], rows: int) -> None:
        """Rank among `others()`, the item ids [K] of the epoch, at most `rows` rows of a step."""
        self.held_out, self.others, self.rows = held_out, others, rows
        self._reset()

    def _reset(self) -> None:
        self.sums, self.hard = EpochMeans(), RowCounts()
        self.samples: dict[str, list[NDArray[np.float32]]] = {"gap": [], "percentile": []}

    def update(self, watched: WatchedRows) -> None:
        """Rank the negatives of the watched rows."""
        watched = watched.subsample(self.rows)
        percentile = score_percentile(watched, self.others(), watched.s_neg)
        hard = (percentile >= HARD) & watched.mask
        false = hard & self.held_out.pairs.contains(watched.users, watched.ids)
        self.sums.add_sum("used", watched.mask.sum())
        self.hard.update(false, hard)
        gap = watched.s_neg - watched.s_pos.unsqueeze(1)
        for name, values in (("gap", gap), ("percentile", percentile)):
            flat = values[watched.mask]
            self.samples[name].append(_subsampled(flat).float().cpu().numpy())

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the sums."""
        sums, hard, samples = self.sums, self.hard, self.samples
        self._reset()
        used = sums.total("used")
        metrics = {"hard": hard.sums.total("total") / used if used else np.nan, "ranked": used}
        if self.held_out.of_train:
            metrics |= {**hard.named("fhn"), "fhnr": hard.share}
        for name, parts in samples.items():
            values = np.concatenate(parts) if parts else np.zeros(0)
            for q in QUANTILES:
                metrics[f"{name}_p{q}"] = float(np.percentile(values, q)) if len(values) else np.nan
        return metrics


def score_percentile(watched: WatchedRows, others: PoolIds, scores: Scores) -> Scores:
    """The percentile of scores [B, N] among those `others` [K] that each user has not seen."""
    seen = watched.step.context.excluded.contains_shared(watched.users, others)
    against = watched.scores(others).masked_fill_(seen, torch.inf)
    n = (~seen).sum(1, keepdim=True).clamp(min=1)
    slack = ROUNDING * scores.abs().amax(1, keepdim=True)
    low, high = scores - slack, scores + slack
    if scores.shape[1] <= COMPARE_BELOW:
        below = (against.unsqueeze(1) < low.unsqueeze(2)).sum(2)
        upto = (against.unsqueeze(1) <= high.unsqueeze(2)).sum(2)
    else:
        against = against.sort(1).values
        below, upto = (
            torch.searchsorted(against, low),
            torch.searchsorted(against, high, right=True),
        )
    return (below + upto) / (2.0 * n)


def _subsampled(values: AnyShape) -> AnyShape:
    return values[:: len(values) // QUANTILE_SAMPLE + 1]
