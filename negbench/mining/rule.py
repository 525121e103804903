"""Rule of mining: how many negatives a train pair gets, and which are too hard to be trusted."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

from negbench.errors import UserError, shown
from negbench.ops.axes import Rows


@dataclass(frozen=True)
class Rule:
    """How many negatives a pair gets, and the filters against likely false negatives.

    An unlabelled item that scores as high as the positive, or leads the user's list, is often one
    that the user likes (Qu et al., "RocketQA", NAACL 2021).
    """

    k: int = 8
    """Negatives of each pair, all different."""
    skip_top: int = 0
    """So many of the items that the user is recommended first are never taken."""
    max_score_ratio: float | None = None
    """A negative scores at most s+ - (1 - ratio) |s+|, which is ratio * s+ where s+ is above 0."""
    margin: float | None = None
    """A negative scores at most s+ - margin."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises UserError for a value outside its range."""
        _require(_whole(self.k) and self.k >= 1, "k", "a whole number from 1 on", self.k)
        _require(
            _whole(self.skip_top) and self.skip_top >= 0,
            "skip_top",
            "a whole number from 0 on",
            self.skip_top,
        )
        ratio, margin = self.max_score_ratio, self.margin
        right = ratio is None or (_number(ratio) and 0 < ratio < math.inf)
        _require(right, "max_score_ratio", "above 0", ratio)
        right = margin is None or (_number(margin) and 0 <= margin < math.inf)
        _require(right, "margin", "0 or more", margin)

    @property
    def bounded(self) -> bool:
        """Whether a negative's score is held against that of its positive."""
        return self.max_score_ratio is not None or self.margin is not None

    def highest(self, s_pos: Rows) -> Rows:
        """The highest score that a negative of each pair may have, [B]; inf without a filter."""
        bound = s_pos.new_full(s_pos.shape, math.inf)
        if self.max_score_ratio is not None:
            bound = s_pos - (1 - self.max_score_ratio) * s_pos.abs()
        if self.margin is not None:
            bound = bound.minimum(s_pos - self.margin)
        return bound

    @property
    def filters(self) -> str:
        """The filters in words; empty where there is none."""
        words = []
        if self.skip_top:
            words.append(f"not among the user's first {self.skip_top}")
        if self.max_score_ratio is not None:
            words.append(f"at most {self.max_score_ratio:g} of the positive's score")
        if self.margin is not None:
            words.append(f"at least {self.margin:g} below the positive's score")
        return ", ".join(words)


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _require(holds: bool, name: str, what: str, value: object) -> None:
    if not holds:
        raise UserError(f"`{name}` must be {what}; got {shown(value)}")
