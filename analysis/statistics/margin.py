"""The margin of a comparison: the difference that a reader calls none.

Without a margin no row can be shown to be the same as another, only not told apart from it. With
one, the 95 % interval of the difference decides: inside the margin the rows are the same, wholly
beyond it one is better, else the run leaves it open (Schuirmann, "A Comparison of the Two One-Sided
Tests Procedure and the Power Approach for Assessing the Equivalence of Average Bioavailability",
Journal of Pharmacokinetics and Biopharmaceutics, 1987, with the wider interval of 95 %).
"""

from dataclasses import dataclass
from math import isfinite

from negbench.errors import UserError


@dataclass(frozen=True)
class Margin:
    """A margin in units of the metric, or as a share of the mean of the row compared with."""

    size: float = 0.0
    relative: bool = False

    def of(self, mean: float) -> float:
        """The margin in units of the metric against a row with this mean."""
        return self.size * abs(mean) if self.relative else self.size

    def __str__(self) -> str:
        """As users type it."""
        return f"{100 * self.size:g}%" if self.relative else f"{self.size:g}"


def parse_margin(text: str | float | None) -> Margin:
    """A margin as users type it: 2% or 0.002; None for none. Raises UserError."""
    if text is None:
        return Margin()
    words = str(text).strip()
    relative = words.endswith("%")
    try:
        size = float(words.removesuffix("%")) / (100 if relative else 1)
    except ValueError:
        size = float("nan")
    if not isfinite(size) or not 0 <= size < 1:
        raise UserError(
            "a margin must be a share of the mean compared with, as 2%, or a difference of the "
            f"metric, as 0.002, from 0 and below 1 (100%); got {text!r}; 1% or 2% is usual"
        )
    return Margin(size, relative)
