"""Named sums that stay on the device for an epoch and are read once, as means, totals or shares."""

from collections.abc import Mapping

from negbench.ops.axes import AnyShape, Scalar


class EpochMeans:
    """Accumulates logged values by name; only reading them moves numbers off the device."""

    def __init__(self) -> None:
        """Empty sums."""
        self._sums: dict[str, Scalar | float] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, values: AnyShape) -> None:
        """Add every value of a tensor of any shape to a mean, summed in float64."""
        self.add_sum(name, values.detach().double().sum(), values.numel())

    def add_sum(self, name: str, total: Scalar | float, count: int = 1) -> None:
        """Add a sum over `count` values that is formed already, one number in its own dtype."""
        self._sums[name] = self._sums.get(name, 0.0) + total
        self._counts[name] = self._counts.get(name, 0) + count

    def total(self, name: str) -> float:
        """The sum so far, 0 where nothing was added."""
        return float(self._sums.get(name, 0.0))

    def share(self, part: str, whole: str) -> float:
        """One sum over another; NaN where the whole is 0."""
        return self.total(part) / self.total(whole) if self.total(whole) else float("nan")

    def epoch_metrics(self) -> Mapping[str, float]:
        """The mean by name; resets the sums."""
        sums, counts = self._sums, self._counts
        self._sums, self._counts = {}, {}
        return {name: float(total) / max(1, counts[name]) for name, total in sums.items()}
