"""PSL: the softmax loss on pairs, with a surrogate in the place of the exponential.

    L = log sum_j a(d_j)^{1 / tau},   d_j = (s_j - s_i) / 2,   s = cosine
    a(d) = relu: max(0, 1 + d)   tanh: 1 + tanh d   atan: 1 + arctan d   exp: e^d

Yang, Chen, Xin, Zhou, Hu, Feng, Chen & Wang, "PSL: Rethinking and Improving Softmax Loss from
Pairwise Perspective for Recommendation", NeurIPS 2024 (arXiv 2411.00163). With `surrogate=exp` it
is the softmax loss at the temperature 2 tau: the control. All three surrogates are e^d to first
order at 0, so that scores close to each other give the softmax loss; for cosines all lie between
the step 1[d >= 0] and e^d, so that the loss bounds log rank, and so -log DCG, more tightly. A
negative far above its positive weighs less than under e^d, which is what makes false negatives do
less harm.

1 + d and 1 + arctan d reach 0 at d = -1 and -1.56: cosines stay above the second and touch the
first at opposite poles, other scores pass both, so the log is cut at 1e-6 (ours). The paper sums
over all items; here N drawn ones, whose proposal is not corrected for. `include=true` adds the
positive, a(0) = 1, to the sum. The second form of the released code, an expectation over pairs, is
not here. `preset=released` is what their search chose for MF on Amazon Health, `gowalla` on
Gowalla. A row without negatives has no loss. Cost per step: N draws and N dot products a row.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F

from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.functions import log_sum
from negbench.protocol import AnyShape, Card, Method, Negatives, Rows, Scores, Step, check_ranges

CARD = Card(
    title="PSL: a pairwise softmax with bounded surrogates",
    family="contrastive",
    authors="Weiqin Yang, Jiawei Chen, Xin Xin, Sheng Zhou, Binbin Hu, Yan Feng, Chun Chen and"
    " Can Wang",
    year=2024,
    venue="NeurIPS",
    link="https://arxiv.org/abs/2411.00163",
    paper="PSL: Rethinking and Improving Softmax Loss from Pairwise Perspective for Recommendation",
    moves=("objective", "transform"),
    provenance="specification",
    differs="The sum runs over drawn negatives; the log is cut where the surrogate reaches 0; the "
    "second form of the released code is not here.",
    presets={
        "released": {"negatives": 1000, "surrogate": "relu", "tau": 0.1},
        "gowalla": {"negatives": 1000, "surrogate": "relu", "tau": 0.05},
    },
    search={
        "surrogate": ("of", "relu", "tanh", "atan"),
        "tau": ("log", 0.005, 0.25),
        "negatives": ("of", 16, 64, 256),
    },
)
LEAST = 1e-6
"""Lower bound of the surrogates, which reach 0."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; 1000 in the released runs."""
    surrogate: Literal["relu", "tanh", "atan", "exp"] = "relu"
    """a; exp is the softmax loss at 2 tau."""
    tau: float = 0.1
    """Above 0; .005 to .25 released. The default is half that of `info_nce`: d is halved."""
    include: bool = False
    """Whether the sum holds the row's positive too; not in the formula."""
    similarity: Scoring = "cosine"
    """cosine is the paper's; backbone: the scores as they come."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1}, above={"tau": 0})


def log_relu(d: AnyShape) -> AnyShape:
    """log max(0, 1 + d), clamped."""
    return (1 + d).clamp(min=LEAST).log()


def log_tanh(d: AnyShape) -> AnyShape:
    """log(1 + tanh d) = log 2 sigmoid(2 d), which needs no clamp."""
    return math.log(2) + F.logsigmoid(2 * d)


def log_atan(d: AnyShape) -> AnyShape:
    """log(1 + arctan d), clamped."""
    return (1 + d.atan()).clamp(min=LEAST).log()


def log_exp(d: AnyShape) -> AnyShape:
    """log e^d."""
    return d


LOGS: dict[str, Callable[[AnyShape], AnyShape]] = {
    "relu": log_relu,
    "tanh": log_tanh,
    "atan": log_atan,
    "exp": log_exp,
}


@dataclass(frozen=True)
class Pairwise:
    """The pairwise softmax loss."""

    config: Config

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        d = (s_neg - s_pos.unsqueeze(1)) / 2
        log_a = LOGS[self.config.surrogate](d)
        loss, counts = log_sum(log_a / self.config.tau, negatives)
        if self.config.include:
            loss = torch.logaddexp(loss, torch.zeros_like(loss))
        return loss.masked_fill(~counts, 0.0)


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=Pairwise(config),
        transform=Angular(config.similarity),
    )
