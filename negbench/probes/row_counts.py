"""Events among the negatives of an epoch, counted by row, since those of a row go together.

    count = sum_b x_b,  total = sum_b n_b,  cc = sum_b x_b^2,  ct = sum_b x_b n_b,  tt = sum_b n_b^2

x_b of the n_b negatives of row b are events. The negatives of a row have one user, and so one set
of held-out items: with many of them the rate varies more than as many single draws would, and the
sums of squares say by how much.
"""

from negbench.ops.axes import Mask
from negbench.ops.epoch_means import EpochMeans

SUMS = ("count", "total", "cc", "ct", "tt")


class RowCounts:
    """The sums of an epoch."""

    def __init__(self) -> None:
        """Empty sums."""
        self.sums = EpochMeans()

    def update(self, events: Mask, among: Mask) -> None:
        """Add rows: which of the negatives [B, N] are events, and which are counted at all."""
        x, n = events.sum(1), among.sum(1)
        for name, values in zip(SUMS, (x, n, x * x, x * n, n * n), strict=True):
            self.sums.add_sum(name, values.sum())

    @property
    def share(self) -> float:
        """Events over all; NaN where nothing was counted."""
        return self.sums.share("count", "total")

    def named(self, prefix: str) -> dict[str, float]:
        """The sums as metrics of the epoch."""
        return {f"{prefix}_{name}": self.sums.total(name) for name in SUMS}
