"""Cosine contrastive loss: positives pulled together, negatives pushed below a margin.

    L = max(0, 1 - s_i) + w mean_j max(0, s_j - m),   s = cosine

Mao et al., "SimpleX: A Simple and Strong Baseline for Collaborative Filtering", CIKM 2021 (arXiv
2109.12613). A negative below the margin m has no gradient at all, the others all have the same: the
margin chooses the hard ones, not a softmax. m = 1 leaves alignment alone, 1 - s_i, which is half of
the squared distance of unit vectors; m = -1 has the mean cosine of all negatives. w weighs their
mean: 150 with N = 800 is .19 for each, and a loss that sums them has w = N. Lengths of vectors
change nothing, so that what ranks is the cosine too.

This is the loss alone, MF-CCL where the backbone is `mf`. SimpleX also averages each user's history
into the user's vector, which is a backbone. A row without negatives keeps its first term. Settings
were released for each data set; as presets they keep the name of theirs. Cost per step: N draws
and N dot products a row.
"""

from dataclasses import dataclass

import torch.nn.functional as F

from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.functions import over_negatives
from negbench.parts.losses.objectives import weight
from negbench.protocol import Card, Method, Negatives, Rows, Scores, Step, check_ranges

CARD = Card(
    title="CCL: the cosine contrastive loss",
    family="contrastive",
    authors="Kelong Mao, Jieming Zhu, Jinpeng Wang, Quanyu Dai, Zhenhua Dong, Xi Xiao and"
    " Xiuqiang He",
    year=2021,
    venue="CIKM",
    link="https://arxiv.org/abs/2109.12613",
    paper="SimpleX: A Simple and Strong Baseline for Collaborative Filtering",
    moves=("objective", "transform"),
    provenance="specification",
    differs="The loss without SimpleX's aggregation of histories, dropout or weight decay; "
    "positives are never negatives.",
    search={
        "margin": ("float", 0.0, 0.9),
        "weight": ("log", 1.0, 300.0),
        "negatives": ("of", 64, 256, 800),
    },
    controls={"ccl(margin=-1)": "no margin: every negative has the same gradient"},
    presets={
        "released": {"negatives": 800, "margin": 0.9, "weight": 150.0},
        "yelp18": {"negatives": 800, "margin": 0.9, "weight": 150.0},
        "gowalla": {"negatives": 800, "margin": 0.9, "weight": 150.0},
        "amazon_book": {"negatives": 1500, "margin": 0.2, "weight": 250.0},
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; 800 and 1500 in the released runs."""
    margin: float = 0.4
    """m, -1 to 1; .9 released for yelp18 and gowalla, .2 for amazon-book. The default is ours."""
    weight: float = 8.0
    """w of the negatives' mean, 0 or more; 150 and 250 released. The default is ours."""
    similarity: Scoring = "cosine"
    """cosine is the paper's; backbone: the scores as they come."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1, "weight": 0}, between={"margin": (-1, 1)})


@dataclass(frozen=True)
class CosineContrastive:
    """The cosine contrastive loss."""

    margin: float
    weight: float

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        above = F.relu(s_neg - self.margin)
        pushed = over_negatives(above, weight(negatives), negatives.mask)
        return F.relu(1 - s_pos) + self.weight * pushed


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=CosineContrastive(config.margin, config.weight),
        transform=Angular(config.similarity),
    )
