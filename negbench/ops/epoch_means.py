"""Figures that a part tells of itself, averaged over an epoch without leaving the device."""

from collections.abc import Mapping

from torch import Tensor


class Averages:
    """Means by name of what was added since they were last told."""

    def __init__(self) -> None:
        """Nothing added."""
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, values: Tensor) -> None:
        """Add values of any shape."""
        total = values.detach().double().sum()
        self._sums[name] = self._sums[name] + total if name in self._sums else total
        self._counts[name] = self._counts.get(name, 0) + values.numel()

    def epoch_metrics(self) -> Mapping[str, float]:
        """The means, and begin anew."""
        sums, counts = self._sums, self._counts
        self._sums, self._counts = {}, {}
        return {name: float(total) / max(1, counts[name]) for name, total in sums.items()}


class Tally:
    """Named sums."""

    def __init__(self) -> None:
        """All at nothing."""
        self._sums: dict[str, Tensor | float] = {}

    def add(self, name: str, value: Tensor | float) -> None:
        """Add a scalar."""
        self._sums[name] = self._sums.get(name, 0.0) + value

    def get(self, name: str) -> float:
        """The sum so far, 0 where nothing was added."""
        return float(self._sums.get(name, 0.0))

    def share(self, part: str, whole: str) -> float:
        """One sum over another; NaN where the whole is nothing."""
        return self.get(part) / self.get(whole) if self.get(whole) else float("nan")
