"""InfoNCE objective: a softmax over the positive and the negatives, with temperature and weight.

L = log(1 + K sum_j w_j e^{(s_j - s_i) / tau})
"""

import math
from dataclasses import dataclass

from negbench.parts import losses
from negbench.protocol import Mask, Negatives, Rows, Scores, Step, check_ranges


@dataclass(frozen=True)
class InfoNCE:
    """InfoNCE with scores divided by `tau`; every negative counts `weight` times."""

    tau: float = 0.1
    """Above 0."""
    weight: float = 1.0
    """K, above 0; 1 is the plain loss."""
    correct: bool = False
    """Subtract log(N q_j) where the proposal is known: an estimate of the full softmax."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, above={"tau": 0, "weight": 0})

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        logq = negatives.logq if self.correct else None
        return self.of(s_pos, s_neg, negatives.logw, negatives.mask, logq)

    def of(
        self,
        s_pos: Rows,
        s_neg: Scores,
        logw: Scores | None = None,
        mask: Mask | None = None,
        logq: Scores | None = None,
    ) -> Rows:
        """The loss of each row [B], from scores s_pos [B] and s_neg [B, N] and log weights."""
        if self.weight != 1:
            times = s_neg.new_tensor(math.log(self.weight))
            logw = times if logw is None else logw + times
        return losses.sampled_softmax(s_pos / self.tau, s_neg / self.tau, logq, logw, mask)
