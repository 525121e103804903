"""Sums over the steps of an epoch, kept where the step was made and read once at its end."""

from torch import Tensor


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
