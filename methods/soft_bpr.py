"""Soft BPR: dynamic hard negatives under a BPR loss whose margin is scaled down.

    L = softplus((1 - alpha)(s_j - s_i)),   j = argmax_{j in C} s(u, j),   C = M uniform draws

After Shi et al., "Soft BPR Loss for Dynamic Hard Negative Sampling in Recommender Systems", 2022
(arXiv 2211.13912). It can be read as a synthesis: the loss is that of BPR against the
negative alpha e_i + (1 - alpha) e_j, which the positive dominates from alpha = .7 on. A flatter
loss pushes a hard negative less the further it lies above its positive, where it is likely to be
false. alpha = 0 is `dns`; on a backbone without layers it is `mixgcf(low=alpha,high=alpha)` and so
the control for the random shares there. Under Adam a constant factor on a loss vanishes; this one
is inside softplus and does not: it flattens the slope. Here the scores are scaled instead of the
vectors mixed, which is the same under dot products, also on backbones with layers; under cosines it
defines the method. Cost per step: M dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import TopM, Uniform
from negbench.parts.losses import bpr
from negbench.parts.losses.objectives import weight
from negbench.protocol import Card, Method, Negatives, Rows, Scores, Step, check_ranges

CARD = Card(
    title="Soft BPR: DNS with a flatter loss",
    family="dynamic",
    authors="Kexin Shi, Yun Zhang, Bingyi Jing and Wenjia Wang",
    year=2022,
    venue="arXiv",
    link="https://arxiv.org/abs/2211.13912",
    paper="Soft BPR Loss for Dynamic Hard Negative Sampling in Recommender Systems",
    moves=("stages", "objective"),
    provenance="specification",
    differs="The margin is scaled instead of the vectors mixed: the same under dot products.",
    search={"alpha": ("of", 0.0, 0.5, 0.7, 0.8, 0.9), "candidates": ("of", 8, 16, 32, 64)},
    controls={"soft_bpr(alpha=0)": "the same negatives under plain BPR"},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 16
    """M, 1 or more; the paper's is not known here."""
    alpha: float = 0.7
    """The positive's share of the negative, from 0 to below 1; above .7 in the paper."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"candidates": 1, "alpha": 0})
        if not self.alpha < 1:
            raise ValueError(f"`alpha` must be below 1, where no loss is left; got {self.alpha}")


@dataclass(frozen=True)
class SoftBPR:
    """BPR of scores times 1 - alpha."""

    alpha: float

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        beta = 1 - self.alpha
        return bpr(beta * s_pos, beta * s_neg, weight(negatives), negatives.mask)


def build(config: Config) -> Method:
    """The top-scored of M uniform draws, with soft BPR."""
    return Method(
        sampler=Uniform(config.candidates), stages=(TopM(1),), objective=SoftBPR(config.alpha)
    )
