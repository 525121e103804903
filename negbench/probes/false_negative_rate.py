"""False-negative rates: the share of negatives, as drawn and as used, that the user would like.

    fnr = #{used (u, j): j in H_u} / #used,    fnr_lift = fnr / its expectation under uniform draws

The lift is 1 for uniform draws by construction, so it compares across data sets; `held_out` says
what H_u is and gives the expectation in closed form.
"""

from torch import Tensor

from negbench.ops.epoch_means import Tally
from negbench.probes.held_out import HeldOut, expected
from negbench.probes.watched_rows import Sight


class Rates:
    """Counts false negatives over an epoch."""

    def __init__(self, held_out: HeldOut) -> None:
        """Know the held-out pairs."""
        self.held_out, self.sums = held_out, Tally()

    def see(self, sight: Sight) -> None:
        """Count one sight."""
        held, sums = self.held_out, self.sums
        sums.add("used", sight.mask.sum())
        sums.add("false", self._false(sight.users, sight.ids, sight.mask))
        sums.add("chance", expected(held.rate, sight.users, sight.n))
        if sight.drawn is not None and sight.drawn_mask is not None:
            sums.add("drawn", sight.drawn_mask.sum())
            sums.add("false_drawn", self._false(sight.users, sight.drawn, sight.drawn_mask))

    def _false(self, users: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        return (self.held_out.pairs.contains(users, ids) & mask).sum()

    def figures(self) -> dict[str, float]:
        """The epoch's rates; the sums begin anew."""
        sums, self.sums = self.sums, Tally()
        return {
            "watched": sums.get("used"),
            "fnr": sums.share("false", "used"),
            "fnr_drawn": sums.share("false_drawn", "drawn"),
            "fnr_expected": sums.share("chance", "used"),
            "fnr_lift": sums.share("false", "chance"),
        }
