"""Objectives: the loss of a method, by the names that `--objective` takes."""

from dataclasses import dataclass
from typing import Literal

from negbench.parts import losses
from negbench.protocol import Negatives, Objective, Rows, Scores, Step, check_ranges


def weight(negatives: Negatives) -> Scores | None:
    """The weight of each negative in the loss, e^logw [B, N]; None where all weigh 1."""
    return None if negatives.logw is None else negatives.logw.exp()


@dataclass(frozen=True)
class BPR:
    """Bayesian personalised ranking: mean_j w_j softplus(s_j - s_i)."""

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        return losses.bpr(s_pos, s_neg, weight(negatives), negatives.mask)


@dataclass(frozen=True)
class BCE:
    """Binary cross-entropy: softplus(-s_i) + mean_j w_j softplus(s_j)."""

    reduce: Literal["mean", "sum"] = "mean"
    """mean: positives and negatives weigh 1:1 whatever N is; sum: 1:N."""

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        return losses.bce(s_pos, s_neg, weight(negatives), negatives.mask, self.reduce)


@dataclass(frozen=True)
class GBCE:
    """Generalised BCE, calibrated for the sampling rate (Petrov & Macdonald, RecSys 2023)."""

    t: float = 0.75
    """0 (plain BCE) to 1 (fully calibrated); the paper recommends 0.75."""

    def __post_init__(self) -> None:
        """Check the range. Raises ValueError for a `t` outside it."""
        check_ranges(self, between={"t": (0, 1)})

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        n_items = step.context.n_items
        return losses.gbce(s_pos, s_neg, n_items, self.t, weight(negatives), negatives.mask)


@dataclass(frozen=True)
class Softmax:
    """Sampled softmax over positive and negatives, with logQ correction where logq is known."""

    correct: bool = True
    """Subtract the log proposal probability: an estimate of the full softmax."""

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        logq = negatives.logq if self.correct else None
        return losses.sampled_softmax(s_pos, s_neg, logq, negatives.logw, negatives.mask)


@dataclass(frozen=True)
class Hinge:
    """Hinge: mean_j w_j max(0, margin - s_i + s_j)."""

    margin: float = 1.0
    """Above 0."""

    def __post_init__(self) -> None:
        """Check the range. Raises ValueError for a margin of 0 or less."""
        check_ranges(self, above={"margin": 0})

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        return losses.hinge(s_pos, s_neg, self.margin, weight(negatives), negatives.mask)


OBJECTIVES: dict[str, type[Objective]] = {
    "bpr": BPR,
    "bce": BCE,
    "gbce": GBCE,
    "softmax": Softmax,
    "hinge": Hinge,
}
