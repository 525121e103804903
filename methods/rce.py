"""Reweighted cross-entropy: every term counts by how well the model already fits it.

    L = -w_i log sigma(s_i) - mean_j w_j log(1 - sigma(s_j))
    w_i = sg( sigma(s_i)^b ),   w_j = sg( (1 - sigma(s_j))^b )

R-CE, of the denoising paper (WSDM 2021), without gradient through the weights (sg). Pairs with a
large loss, among which interactions by accident abound, count less, and so do negatives that score
high, as false negatives do. b = 0 is BCE. As a stage it works with any sampler and objective; alone
it has BCE.

Row weights multiply a whole row, so the negatives get w_j / w_i: exact for a loss of separate
terms, as BCE is. A loss that compares each pair (BPR, softmax) would then see w_j alone;
`weighs=pairs` gives it w_i w_j a pair. A loss without negatives gets w_i. Cost per step: one dot
product more for each positive and each negative.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F

from negbench.parts import BCE, Uniform
from negbench.protocol import Card, Method, Negatives, Step, check_ranges

CARD = Card(
    title="R-CE: reweighted cross-entropy",
    family="denoising",
    authors="Wenjie Wang, Fuli Feng, Xiangnan He, Liqiang Nie and Tat-Seng Chua",
    year=2021,
    venue="WSDM",
    link="https://arxiv.org/abs/2006.04153",
    paper="Denoising Implicit Feedback for Recommendation",
    moves=("stages",),
    provenance="specification",
    differs="The mean is over a row's negatives, so that positives and negatives weigh 1:1.",
    presets={"released": {"power": 0.2, "negatives": 1}},
    search={"power": ("log", 0.02, 1.0), "negatives": ("of", 1, 4, 16)},
    controls={"rce(power=0)": "BCE with equal weights: what the weights add"},
)
LEAST = -30.0
"""Lower bound of log w_i, so that neither it nor its inverse leaves the range of floats."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    power: float = 0.2
    """b, 0 or more; .2 released."""
    weighs: Literal["terms", "pairs"] = "terms"
    """terms: each term of a cross-entropy by its own weight, the paper's; pairs: w_i w_j, for
    losses that compare a positive with its negatives."""
    negatives: int = 1
    """N, 1 or more, of the method alone."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"power": 0, "negatives": 1})


@dataclass(frozen=True)
class Reweigh:
    """A stage that weighs rows and negatives by the probabilities that the model gives them."""

    power: float
    weighs: Literal["terms", "pairs"] = "terms"

    @torch.no_grad()
    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Row weights, and log weights of the negatives, added to those that they have."""
        positive = F.logsigmoid(step.view.score_pair(step.view.positive)) * self.power
        positive = positive.clamp(min=LEAST)
        weight = positive.exp()
        if negatives.row_weight is not None:
            weight = weight * negatives.row_weight
        if not negatives.n:
            return replace(negatives, row_weight=weight)
        logw = F.logsigmoid(-step.scores_no_grad(negatives)) * self.power
        if self.weighs == "terms":
            logw = logw - positive.unsqueeze(1)
        if negatives.logw is not None:
            logw = logw + negatives.logw
        return replace(negatives, row_weight=weight, logw=logw)


def build(config: Config) -> Method:
    """Uniform draws, the weights and BCE."""
    return Method(Uniform(config.negatives), BCE(), (Reweigh(config.power, config.weighs),))
