"""One searched parameter: its range, the value at a point of the unit interval, and its edges."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from negbench.errors import UserError, shown
from negbench.plugins import search_range

KINDS = ("int", "float", "log", "of")
Owner = Literal["training", "backbone", "method", "reference"]


@dataclass(frozen=True)
class Parameter:
    """A parameter with its range."""

    owner: Owner
    name: str
    kind: str
    """int and float: uniform from low to high; log: uniform in the logarithm; of: a list."""
    values: tuple[Any, ...]
    """Low and high, or the values of the list."""
    zero: float = 0.0
    """The share of points that are exactly 0, as for an L2 weight that may be off."""

    @classmethod
    def of(cls, owner: Owner, name: str, entry: Any, zero: float = 0.0) -> "Parameter":
        """From an entry of a card's `search`: ("log", low, high), ("of", value, value ...).

        Raises UserError for another kind, a range that is empty, a logarithm of 0, or an int range
        whose ends are not whole: its values would lie outside.
        """
        kind, *values = entry if isinstance(entry, list | tuple) and entry else [entry]
        numbers = all(
            isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
            for v in values
        )
        if kind == "of" and values:
            return cls(owner, name, kind, tuple(values))
        if kind not in KINDS or len(values) != 2 or not numbers or not values[0] < values[1]:
            raise UserError(
                f"a range of {name} must read like log, low, high (or int, float; low below high), "
                f"or of, value, value; got {shown(entry)}"
            )
        if kind == "int" and any(v != int(v) for v in values):
            raise UserError(f"an int range of {name} must have whole ends; got {shown(entry)}")
        if kind == "log" and values[0] <= 0:
            raise UserError(f"a log range of {name} must begin above 0; got {shown(entry)}")
        return cls(owner, name, kind, tuple(values), zero)

    def at(self, point: float) -> Any:
        """The value at a point in [0, 1); numbers have three significant digits."""
        if point < self.zero:
            return 0.0
        point = (point - self.zero) / (1 - self.zero)
        if self.kind == "of":
            return self.values[min(int(point * len(self.values)), len(self.values) - 1)]
        low, high = self.values
        if self.kind == "int":
            return int(low) + min(int(point * (int(high) - int(low) + 1)), int(high) - int(low))
        if self.kind == "log":
            value = math.exp(math.log(low) + point * (math.log(high) - math.log(low)))
            if isinstance(low, int) and isinstance(high, int):
                return round(value)
        else:
            value = low + point * (high - low)
        return min(max(float(f"{value:.3g}"), float(low)), float(high))

    @property
    def text(self) -> str:
        """The range in words, for tables: `log [0.0001, 0.1]`, `{2, 4, 8}`."""
        return search_range.in_words(self.kind, self.values, self.zero)
