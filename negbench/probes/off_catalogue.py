"""Mean cosine distance of synthesised negatives to the nearest item."""

from negbench.ops.epoch_means import EpochMeans
from negbench.probes.watched_rows import WatchedRows


class OffCatalogue:
    """Averages the distance of synthesised negatives; no metric where all negatives are items."""

    def __init__(self) -> None:
        """Empty sums."""
        self.sums = EpochMeans()

    def update(self, watched: WatchedRows) -> None:
        """Add the watched rows to the mean."""
        if watched.distance is not None:
            self.sums.add_sum("distance", (watched.distance * watched.mask).double().sum())
            self.sums.add_sum("n", watched.mask.sum())

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the sums."""
        sums, self.sums = self.sums, EpochMeans()
        return {"snap": sums.share("distance", "n")} if sums.total("n") else {}
