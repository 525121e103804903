"""InfoNCE: a softmax over the positive and N uniform negatives, with a temperature.

    L = log(1 + K sum_j e^{(s_j - s_i) / tau}),   s = cosine

van den Oord, Li & Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018
(arXiv 1807.03748) gave the loss its name. Studies of recommenders call it the sampled softmax loss,
take cosines, and tune tau for each data set: .09 to 2 in the released code of AdvInfoNCE, whose
baseline this is. K = 1 is plain; `weight=64` is the row that AdvInfoNCE must be compared with, for
its own negatives weigh K = 64. `preset=released` is that baseline on Yahoo!R3, the others have the
names of their data. K shifts every margin by tau log K, the same for all negatives. What is trained
is what ranks: `similarity=cosine` replaces the backbone's scores in both. With `correct=true` and a
sampler with known proposal, z_j = s_j / tau - log(N q_j): the estimate of a full softmax, for
uniform draws about K = I / N. Differs: rows are pairs, there each user alike. Cost per step: N
draws and N dot products a row, with the norms of their vectors.
"""

from dataclasses import dataclass

from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.infonce import InfoNCE
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="InfoNCE (sampled softmax with a temperature)",
    family="contrastive",
    authors="Aäron van den Oord, Yazhe Li and Oriol Vinyals",
    year=2018,
    venue="arXiv",
    link="https://arxiv.org/abs/1807.03748",
    paper="Representation Learning with Contrastive Predictive Coding",
    moves=("objective", "transform"),
    provenance="specification",
    differs="Scores are cosines of users and items, as in recommenders; rows are pairs.",
    presets={
        "released": {"negatives": 64, "tau": 0.28, "weight": 1.0},
        "tencent": {"negatives": 128, "tau": 0.09, "weight": 1.0},
        "kuairec": {"negatives": 128, "tau": 2.0, "weight": 1.0},
        "coat": {"negatives": 64, "tau": 0.75, "weight": 1.0},
    },
    search={
        "tau": ("log", 0.05, 1.0),
        "weight": ("of", 1.0, 16.0, 64.0),
        "negatives": ("of", 16, 64, 256),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; 64 or 128 in the released code of AdvInfoNCE."""
    tau: float = 0.2
    """Above 0; .09, .28, .75 and 2 there, by data set. The default is ours, for goodbooks."""
    weight: float = 1.0
    """K, above 0; 1 is InfoNCE, 64 the ablation of AdvInfoNCE."""
    similarity: Scoring = "cosine"
    """cosine, as recommenders have it; backbone: the scores as they come."""
    correct: bool = False
    """Correct for the proposal (logQ) where it is known; not in the formula."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1})
        InfoNCE(self.tau, self.weight)


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=InfoNCE(config.tau, config.weight, config.correct),
        transform=Angular(config.similarity),
    )
