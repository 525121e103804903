"""Alignment and uniformity: pulls pairs together and spreads users and items, without negatives.

    L = mean |x_u - x_i|^2 + gamma (lu(users) + lu(items)) / 2,   x = v / |v|
    lu(X) = log mean_{a < b} e^{-2 |x_a - x_b|^2}   over the rows of the batch

DirectAU (KDD 2022). |x_u - x_i|^2 is 2 - 2 cosine. Uniformity takes the part of negatives: every
row is pushed from the other users' rows and from the other items of the batch, never a user from
an item. Rows of a user who comes twice in a batch are the same vector, so repeats and the batch
size enter the value, as in the released code.

Only directions are trained: loss and gradient direction do not change with the length of a vector,
and the gradient is orthogonal to it. The released code ranks by the plain dot product all the same,
so lengths, which the initial draw, Adam and the L2 penalty shape, weigh in the ranking.
`rank=cosine` ranks by what is trained. With gamma = 0 all vectors collapse to one. Cost per step:
2 B dot products a row, no draws; memory B D.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F

from negbench.parts import NoNegatives
from negbench.parts.cosine_scores import Angular
from negbench.parts.losses.uniformity import uniformity
from negbench.protocol import Card, Method, Negatives, Rows, Scalar, Scores, Step, check_ranges

CARD = Card(
    title="DirectAU: alignment and uniformity",
    family="no_negatives",
    authors="Chenyang Wang, Yuanqing Yu, Weizhi Ma, Min Zhang, Chong Chen, Yiqun Liu and Shaoping"
    " Ma",
    year=2022,
    venue="KDD",
    link="https://arxiv.org/abs/2206.12811",
    paper="Towards Representation Alignment and Uniformity in Collaborative Filtering",
    moves=("sampler", "objective", "transform"),
    provenance="specification",
    differs="Batch size, learning rate and L2 are the backbone's, not the released ones.",
    search={"gamma": ("log", 0.1, 10.0), "rank": ("of", "dot", "cosine")},
    presets={
        "released": {"gamma": 1.0, "rank": "dot"},
        "beauty": {"gamma": 0.5, "rank": "dot"},
        "gowalla": {"gamma": 5.0, "rank": "dot"},
        "yelp": {"gamma": 1.0, "rank": "dot"},
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    gamma: float = 1.0
    """Weight of uniformity, 0 or more; released .5 (Beauty), 5 (Gowalla) and 1 (Yelp)."""
    rank: Literal["dot", "cosine"] = "dot"
    """dot: rank by the backbone's own scores, as released; cosine: by what is trained."""

    def __post_init__(self) -> None:
        """Check the range. Raises ValueError for a gamma below 0."""
        check_ranges(self, at_least={"gamma": 0})


@dataclass(frozen=True)
class Alignment:
    """The squared distance of each row's pair on the sphere, and the batch's uniformity."""

    gamma: float

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The alignment of each row, [B]."""
        del s_pos, s_neg, negatives
        query, positive = step.view.query, step.view.positive
        return (F.normalize(query, dim=1) - F.normalize(positive, dim=1)).square().sum(1)

    def losses(
        self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives
    ) -> Mapping[str, Scalar]:
        """Uniformity, weighted; apart from the rows, whose weights are not its own."""
        del s_pos, s_neg, negatives
        step.view.dots.add(2 * len(step.batch) ** 2, pooled=True)
        both = uniformity(step.view.query) + uniformity(step.view.positive)
        return {"uniformity": self.gamma * both / 2}


def build(config: Config) -> Method:
    """The loss without a sampler; the transform is for the ranking."""
    return Method(
        sampler=NoNegatives(),
        objective=Alignment(config.gamma),
        transform=Angular("cosine" if config.rank == "cosine" else "backbone"),
    )
