"""Objectives: what is minimised, named as `--objective` takes them."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from negbench.parts import losses
from negbench.protocol import Negatives, Objective, Step


def weight(negatives: Negatives) -> Tensor | None:
    """How much each negative counts, as a factor."""
    return None if negatives.logw is None else negatives.logw.exp()


@dataclass(frozen=True)
class BPR:
    """Bayesian personalised ranking: mean_j w_j softplus(s_j - s_i)."""

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        return losses.bpr(s_pos, s_neg, weight(negatives), negatives.mask)


@dataclass(frozen=True)
class BCE:
    """Binary cross-entropy: softplus(-s_i) + mean_j w_j softplus(s_j)."""

    reduce: Literal["mean", "sum"] = "mean"
    """mean: positives and negatives weigh 1:1 whatever N is; sum: 1:N."""

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        return losses.bce(s_pos, s_neg, weight(negatives), negatives.mask, self.reduce)


@dataclass(frozen=True)
class GBCE:
    """Generalised BCE, calibrated for the sampling rate (Petrov & Macdonald, RecSys 2023)."""

    t: float = 0.75
    """0 (plain BCE) to 1 (fully calibrated); the paper recommends 0.75."""

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.t <= 1:
            raise ValueError(f"`t` must be from 0 to 1; got {self.t}")

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        n_items = step.context.n_items
        return losses.gbce(s_pos, s_neg, n_items, self.t, weight(negatives), negatives.mask)


@dataclass(frozen=True)
class Softmax:
    """Softmax over the positive and the negatives drawn, corrected by logQ where it is known."""

    correct: bool = True
    """Subtract the log proposal probability, so that the full softmax is what is estimated."""

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        logq = negatives.logq if self.correct else None
        return losses.sampled_softmax(s_pos, s_neg, logq, negatives.logw, negatives.mask)


@dataclass(frozen=True)
class Hinge:
    """Hinge: mean_j w_j max(0, margin - s_i + s_j)."""

    margin: float = 1.0
    """Above 0."""

    def __post_init__(self) -> None:
        """Refuse a margin that asks for nothing."""
        if not self.margin > 0:
            raise ValueError(f"`margin` must be above 0; got {self.margin}")

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        return losses.hinge(s_pos, s_neg, self.margin, weight(negatives), negatives.mask)


OBJECTIVES: dict[str, type[Objective]] = {
    "bpr": BPR,
    "bce": BCE,
    "gbce": GBCE,
    "softmax": Softmax,
    "hinge": Hinge,
}
