"""False-negative rates: the share of negatives, as drawn and as used, that the user would like.

    fnr = #{used (u, j): j in H_u} / #used,    fnr_lift = fnr / its expectation under uniform draws

The lift is 1 for uniform draws by construction, so it compares across data sets; `held_out`
defines H_u and gives the expectation in closed form.
"""

from negbench.ops.axes import Ids, Mask, Rows, Scalar
from negbench.ops.epoch_means import EpochMeans
from negbench.probes.held_out import HeldOut, expected_false
from negbench.probes.watched_rows import WatchedRows


class FalseNegativeRate:
    """Counts the false negatives of an epoch."""

    def __init__(self, held_out: HeldOut) -> None:
        """False negatives are the `held_out` pairs."""
        self.held_out, self.sums = held_out, EpochMeans()

    def update(self, watched: WatchedRows) -> None:
        """Count the negatives of the watched rows."""
        held, sums = self.held_out, self.sums
        sums.add_sum("used", watched.mask.sum())
        sums.add_sum("false", self._false(watched.users, watched.ids, watched.mask))
        sums.add_sum("chance", expected_false(held.rate, watched.users, watched.n))
        if watched.drawn is not None and watched.drawn_mask is not None:
            sums.add_sum("drawn", watched.drawn_mask.sum())
            sums.add_sum(
                "false_drawn", self._false(watched.users, watched.drawn, watched.drawn_mask)
            )

    def _false(self, users: Rows, ids: Ids, mask: Mask) -> Scalar:
        return (self.held_out.pairs.contains(users, ids) & mask).sum()

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the sums."""
        sums, self.sums = self.sums, EpochMeans()
        if not self.held_out.of_train:
            return {"watched": sums.total("used")}
        return {
            "watched": sums.total("used"),
            "fnr": sums.share("false", "used"),
            "fnr_drawn": sums.share("false_drawn", "drawn"),
            "fnr_expected": sums.share("chance", "used"),
            "fnr_lift": sums.share("false", "chance"),
        }
