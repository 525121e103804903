"""Weights and gradients of the negatives: effective sample size, gradient norm, saturation.

ess       = (sum w)^2 / (n sum w^2) over the n used negatives of a step; 1 = all count alike
grad_norm = mean over rows of |d row loss / d query|
grad_zero = share of rows with sum_j |d row loss / d s_j| < 0.01: saturated rows
"""

from negbench.ops.epoch_means import EpochMeans
from negbench.probes.watched_rows import WatchedRows

SATURATED = 0.01
"""Rows with sum of abs dL/ds below this count as saturated (BPR starts at 0.5)."""


class GradientShare:
    """Averages the weights and gradients of an epoch."""

    def __init__(self) -> None:
        """Empty sums."""
        self.sums = EpochMeans()

    def update(self, watched: WatchedRows) -> None:
        """Add the watched rows to the means."""
        sums, w = self.sums, watched.weight
        square = (w * w).sum() * watched.mask.sum()
        sums.add_sum("ess", w.sum() ** 2 / square.clamp(min=1e-300))
        sums.add_sum("steps", 1.0)
        if watched.slopes is not None:
            slopes = (watched.slopes.abs() * watched.mask).sum(1)
            sums.add_sum("saturated", (slopes < SATURATED).sum())
            sums.add_sum("rows", len(slopes))
        if watched.gradient_norm is not None:
            sums.add_sum("norm", watched.gradient_norm.double().sum())
            sums.add_sum("normed", len(watched.gradient_norm))

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the sums."""
        sums, self.sums = self.sums, EpochMeans()
        return {
            "ess": sums.share("ess", "steps"),
            "grad_norm": sums.share("norm", "normed"),
            "grad_zero": sums.share("saturated", "rows"),
        }
