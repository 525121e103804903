"""Dynamic negative sampling with a set hardness: one of the M best of N uniform candidates.

    j ~ U{the M best scored of C},   C = N uniform draws outside P_u

Shi, Chen, Feng, Zhang, Wu, Gao & He, "On the Theories Behind Hard Negative Sampling for
Recommendation", WWW 2023 (arXiv 2302.03472). Under BPR it estimates the one-way partial AUC with
false-positive rates up to M / N: the shorter the list that counts, the smaller M. The paper's text
draws one of the M (`keep=one`); its code takes all of them (`keep=all`) and sums the loss over the
M and over the batch (`reduction=sum`), so that its gradient grows with M and B. The default is the
mean, in expectation the same for one and all. Adam divides by the size of the gradient: under it
the sum only weighs more against the L2 penalty, M B times. M = 1 is `dns`, M = N is `random`.

`preset=released` is N, `keep` and `reduction` of the code; M is of their grid, so type it as well:
`dns_mn(preset=released,top=2)`. Their Adam has a weight decay of .01 on all vectors, a step of .001
times .95 every 5 epochs, D 32 and B 4096; these are settings of a backbone here, whose penalty is
on the rows of a step. Differs from the paper: fewer candidates by default, and positives are never
candidates. Cost per step: N dot products a row.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F

from negbench.parts import BPR, TopM, Uniform
from negbench.parts.losses.functions import over_negatives
from negbench.parts.losses.objectives import weight
from negbench.protocol import Card, Method, Negatives, Rows, Scores, Step

CARD = Card(
    title="Dynamic negative sampling DNS(M, N)",
    family="dynamic",
    authors="Wentao Shi, Jiawei Chen, Fuli Feng, Jizhi Zhang, Junkang Wu, Chongming Gao and"
    " Xiangnan He",
    year=2023,
    venue="WWW",
    link="https://arxiv.org/abs/2302.03472",
    paper="On the Theories Behind Hard Negative Sampling for Recommendation",
    moves=("stages",),
    provenance="specification",
    differs="32 candidates by default instead of 200, and means for sums; positives are never "
    "candidates.",
    search={"candidates": ("of", 16, 32, 64, 200), "top": ("of", 1, 2, 4, 8)},
    presets={"released": {"candidates": 200, "keep": "all", "reduction": "sum"}},
    later=("reduction",),
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 32
    """N in the paper's words, 1 or more; 200 in the paper."""
    top: int = 4
    """M, from 1 to `candidates`; 1 to 20 are usual."""
    keep: Literal["one", "all"] = "one"
    """one: draw one of the M, as the text; all: take all of them, as the code."""
    reduction: Literal["mean", "sum"] = "mean"
    """mean over the kept and the batch, or the sum over both, as the code."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        if not 1 <= self.top <= self.candidates:
            raise ValueError(
                f"`top` must be from 1 to `candidates`; got {self.top} of {self.candidates}"
            )


class SummedBPR:
    """BPR summed over a row's negatives and over the batch: B sum_j w_j softplus(s_j - s_i)."""

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """B times the sum of each row, [B]: the loop takes the mean over the batch."""
        losses = F.softplus(s_neg - s_pos.unsqueeze(1))
        return len(step.batch) * over_negatives(losses, weight(negatives), negatives.mask, "sum")


def build(config: Config) -> Method:
    """One or all of the M top-scored uniform draws, with BPR."""
    return Method(
        sampler=Uniform(config.candidates),
        stages=(TopM(config.top, config.keep),),
        objective=BPR() if config.reduction == "mean" else SummedBPR(),
    )
