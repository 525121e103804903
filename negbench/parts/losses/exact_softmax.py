"""Softmax losses of in-batch negatives, by what the logQ correction is taken to correct.

    standard: L = log(1 + sum_j e^{z_j - s_i} / N),   z_j = s_j - log q(j)
    exact:    L = sg(w) (log(sum_j e^{z_j} / N) - s_i),   w = 1 - p_i
              p_i = e^{s_i} / (e^{s_i} + sum_j e^{z_j} / N)

The positive is there with certainty and only the other items are drawn, so q must be the law of the
draws given that they are none of what is hidden from the row. With that q both losses have the same
gradient, that of the full softmax where the draws are all other items; only their values differ
(the exact one may be below 0; the paper's is w log N above it, for it sums where this one takes the
mean), and the exact one says why: w is how far the positive is from certain, and what it multiplies
is a softmax over other items alone. What is common elsewhere is log q over all items, the row's own
among them (`marginal`): its gradient stays away from the full softmax's however many are drawn.
Without log q all are the plain softmax of the drawn items.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from negbench.parts.losses.functions import count_unmasked, log_sum
from negbench.parts.losses.objectives import Softmax
from negbench.protocol import Negatives, Objective, Rows, Scores, Step

Correction = Literal["standard", "exact", "marginal"] | None
"""How log q is used; None leaves it out."""


@dataclass(frozen=True)
class ExactSoftmax:
    """The sampled softmax whose positive is no draw, with logQ correction where logq is known."""

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]; 0 for a row without negatives."""
        del step
        z = s_neg if negatives.logq is None else s_neg - negatives.logq
        others, counts = log_sum(z, negatives)
        if negatives.logq is not None:
            others = others - count_unmasked(s_neg, negatives.mask).clamp(min=1).log()
        apart = others - s_pos
        # 1 - p_i as a sigmoid: it neither overflows nor reaches 0 before its gradient does.
        return (torch.sigmoid(apart.detach()) * apart).masked_fill(~counts, 0.0)


def correction_of(correction: Correction | Literal["auto"], correct: bool) -> Correction:
    """The correction of two settings: `auto` is standard where `correct` is true, else none.

    Raises ValueError for a correction that is named where `correct` is false.
    """
    if correction == "auto":
        return "standard" if correct else None
    if correction is not None and not correct:
        raise ValueError(
            "`correct` and `correction` must agree (false is none); "
            f"got {correct} and {correction}; leave `correct` out"
        )
    return correction


def softmax_of(correction: Correction) -> Objective:
    """The softmax loss with this correction."""
    return ExactSoftmax() if correction == "exact" else Softmax(correction is not None)
