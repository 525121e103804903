"""False-negative rates: the share of negatives, as drawn and as used, that the user would like.

    fnr = fn_count / fn_total = #{used (u, j): j in H_u} / #used
    fnr_lift = fnr / its expectation under uniform draws

The lift is 1 for uniform draws by construction, so it compares across data sets; `held_out`
defines H_u and gives the expectation in closed form. The counts are kept, for a rate of a few
events says little without its interval.
"""

from negbench.ops.axes import Ids, Mask, Rows
from negbench.ops.epoch_means import EpochMeans
from negbench.probes.held_out import HeldOut, expected_false
from negbench.probes.negative_ids import NegativeIds
from negbench.probes.row_counts import RowCounts
from negbench.probes.watched_rows import WatchedRows


class FalseNegativeRate:
    """Counts the false negatives of an epoch."""

    def __init__(self, held_out: HeldOut) -> None:
        """False negatives are the `held_out` pairs."""
        self.held_out = held_out
        self._reset()

    def _reset(self) -> None:
        self.used, self.sums = RowCounts(), EpochMeans()

    def update(self, watched: WatchedRows | NegativeIds) -> None:
        """Count the negatives of the watched rows."""
        false = self._false(watched.users, watched.ids, watched.mask)
        self.used.update(false, watched.mask)
        chance = expected_false(self.held_out.rate, watched.users, watched.n)
        self.sums.add_sum("chance", chance)
        if watched.drawn is None or watched.drawn_mask is None:
            return
        if watched.drawn is not watched.ids:
            false = self._false(watched.users, watched.drawn, watched.drawn_mask)
        self.sums.add_sum("false_drawn", false.sum())
        self.sums.add_sum("drawn", watched.drawn_mask.sum())

    def _false(self, users: Rows, ids: Ids, mask: Mask) -> Mask:
        return self.held_out.pairs.contains(users, ids) & mask

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the sums."""
        used, sums = self.used, self.sums
        self._reset()
        if not self.held_out.of_train:
            return {}
        chance, total = sums.total("chance"), used.sums.total("total")
        nan = float("nan")
        return {
            **used.named("fn"),
            "fnr": used.share,
            "fnr_drawn": sums.share("false_drawn", "drawn"),
            "fnr_expected": chance / total if total else nan,
            "fnr_lift": used.sums.total("count") / chance if chance else nan,
        }
