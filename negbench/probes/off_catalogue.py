"""How far synthesised negatives lie from any item: mean cosine distance to the nearest."""

from negbench.ops.epoch_means import Tally
from negbench.probes.watched_rows import Sight


class OffCatalogue:
    """Averages the distances of snapped vectors; says nothing where all negatives are items."""

    def __init__(self) -> None:
        """Nothing seen."""
        self.sums = Tally()

    def see(self, sight: Sight) -> None:
        """Average one sight in."""
        if sight.distance is not None:
            self.sums.add("distance", (sight.distance * sight.mask).double().sum())
            self.sums.add("n", sight.mask.sum())

    def figures(self) -> dict[str, float]:
        """The epoch's mean."""
        sums, self.sums = self.sums, Tally()
        return {"snap": sums.share("distance", "n")} if sums.get("n") else {}
