"""How much the negatives pull: effective sample size of the weights, and the gradient.

ess       = (sum w)^2 / (n sum w^2) over the n used negatives of a step; 1 = all count alike
grad_norm = mean over rows of |d row loss / d query|
grad_zero = share of rows with sum_j |d row loss / d s_j| < 0.01: negatives that teach nothing
"""

from negbench.ops.epoch_means import Tally
from negbench.probes.watched_rows import Sight

FLAT = 0.01
"""A row whose slopes sum to less has learnt what it can: BPR's slope begins at one half."""


class Pull:
    """Averages weights and gradients over an epoch."""

    def __init__(self) -> None:
        """Nothing seen."""
        self.sums = Tally()

    def see(self, sight: Sight) -> None:
        """Average one sight in."""
        sums, w = self.sums, sight.weight
        square = (w * w).sum() * sight.mask.sum()
        sums.add("ess", w.sum() ** 2 / square.clamp(min=1e-300))
        sums.add("steps", 1.0)
        if sight.slopes is not None:
            slopes = (sight.slopes.abs() * sight.mask).sum(1)
            sums.add("flat", (slopes < FLAT).sum())
            sums.add("rows", len(slopes))
        if sight.steepness is not None:
            sums.add("norm", sight.steepness.double().sum())
            sums.add("normed", len(sight.steepness))

    def figures(self) -> dict[str, float]:
        """The epoch's means."""
        sums, self.sums = self.sums, Tally()
        return {
            "ess": sums.share("ess", "steps"),
            "grad_norm": sums.share("norm", "normed"),
            "grad_zero": sums.share("flat", "rows"),
        }
