"""InfoNCE: a softmax over the positive and the negatives, with a temperature and a weight.

L = log(1 + K sum_j w_j e^{(s_j - s_i) / tau})
"""

import math
from dataclasses import dataclass

from torch import Tensor

from negbench.parts import losses
from negbench.protocol import Negatives, Step


@dataclass(frozen=True)
class InfoNCE:
    """The scores divided by `tau`; every negative counts `weight` times."""

    tau: float = 0.1
    """Above 0."""
    weight: float = 1.0
    """K, above 0; 1 is the plain loss."""
    correct: bool = False
    """Subtract log(N q_j) where the proposal is known: an estimate of the full softmax."""

    def __post_init__(self) -> None:
        """Refuse what is no softmax."""
        for name in ("tau", "weight"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be above 0; got {getattr(self, name)}")

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        del step
        logq = negatives.logq if self.correct else None
        return self.of(s_pos, s_neg, negatives.logw, negatives.mask, logq)

    def of(
        self,
        s_pos: Tensor,
        s_neg: Tensor,
        logw: Tensor | None = None,
        mask: Tensor | None = None,
        logq: Tensor | None = None,
    ) -> Tensor:
        """The same from scores, s_pos [B] and s_neg [B, N], and log weights [B, N] -> [B]."""
        if self.weight != 1:
            times = s_neg.new_tensor(math.log(self.weight))
            logw = times if logw is None else logw + times
        return losses.sampled_softmax(s_pos / self.tau, s_neg / self.tau, logq, logw, mask)
