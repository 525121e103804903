"""BSL: a softmax loss with one temperature for positives and another for negatives.

    L = -log mean_{i' in P} e^{s_i' / t1} + w (t2 / t1) log sum_j e^{s_j / t2},   s = cosine

Wu, Chen, Wu, Shi, Zhang & Wang, "BSL: Understanding and Improving Softmax Loss for Recommendation",
ICDE 2024 (arXiv 2312.12882), the bilateral softmax loss: the temperature of the softmax loss makes
it robust to noise among the negatives, one of their own does so for the positives. P is the row's
positive alone or, with `positives=user`, all of its user in the batch. Equal temperatures give the
softmax loss log sum_j e^{(s_j - s_i) / t}. A large t1 weighs the positives of a user alike.

Three forms go by this name. The released code's "reweight" is `positive` = `negative` = t with its
second number as `weight`; its "multi" is the same with `positives=user`; the form of two
temperatures in a later benchmark is `weight=1`. What the paper prints could not be read: the
formula is our reading of these. With one positive a row and `weight=1`, t1 only scales the loss,
which matters to L2 alone under Adam. `preset=released` is the code's for MF on Yelp2018, a "multi";
`gowalla` and `ml_1m` are its others, `ir_benchmark` the form of two temperatures. `include=true`
adds the positive to the sum, as InfoNCE does. Proposals are not corrected for. A row without
negatives has no loss. Cost per step: N draws and N dot products a row.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.functions import log_sum
from negbench.protocol import Card, Method, Negatives, Rows, Scores, Step, check_ranges

CARD = Card(
    title="BSL: a softmax with a temperature for each side",
    family="contrastive",
    authors="Junkang Wu, Jiawei Chen, Jiancan Wu, Wentao Shi, Jizhi Zhang and Xiang Wang",
    year=2024,
    venue="ICDE",
    link="https://arxiv.org/abs/2312.12882",
    paper="BSL: Understanding and Improving Softmax Loss for Recommendation",
    moves=("objective", "transform"),
    provenance="specification",
    differs="One formula for the forms of the released code; negatives are drawn for each row.",
    presets={
        "released": {
            "negatives": 800,
            "positive": 0.11,
            "negative": 0.11,
            "weight": 1.1,
            "positives": "user",
        },
        "gowalla": {
            "negatives": 800,
            "positive": 0.08,
            "negative": 0.08,
            "weight": 1.22,
            "positives": "user",
        },
        "ml_1m": {
            "negatives": 800,
            "positive": 0.17,
            "negative": 0.17,
            "weight": 1.06,
            "positives": "user",
        },
        "ir_benchmark": {"negatives": 1000, "positive": 0.2, "negative": 0.2, "weight": 1.0},
    },
    search={
        "positive": ("log", 0.05, 0.5),
        "negative": ("log", 0.05, 0.5),
        "weight": ("float", 0.9, 1.3),
        "positives": ("of", "row", "user"),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; 800 in the released runs on MF."""
    positive: float = 0.2
    """t1, above 0; released .08 to .17. The default is ours, as that of `info_nce`."""
    negative: float = 0.2
    """t2, above 0; the released forms take t1 here."""
    weight: float = 1.1
    """w, above 0; released 1.06 to 1.22 (1 is the softmax loss)."""
    positives: Literal["row", "user"] = "row"
    """row: each row's own positive; user: all of its user in this batch, as "multi"."""
    include: bool = False
    """Whether the sum holds the row's positive too; not in the released code."""
    similarity: Scoring = "cosine"
    """cosine is the paper's; backbone: the scores as they come."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"negatives": 1},
            above={"positive": 0, "negative": 0, "weight": 0},
        )


def log_mean(values: Rows, groups: Rows) -> Rows:
    """log mean e^{value} over the rows of the same group: values [B], groups [B] -> [B]."""
    _, place, counts = torch.unique(groups, return_inverse=True, return_counts=True)
    least = values.new_full((len(counts),), -torch.inf)
    top = least.scatter_reduce(0, place, values.detach(), "amax")
    sums = torch.zeros_like(top).index_add(0, place, (values - top[place]).exp())
    logs: Rows = (sums / counts).log() + top
    return logs[place]


@dataclass(frozen=True)
class Bilateral:
    """The bilateral softmax loss."""

    config: Config

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        config = self.config
        total, counts = log_sum(s_neg / config.negative, negatives)
        if config.include:
            total = torch.logaddexp(total, s_pos / config.negative)
        own = s_pos / config.positive
        if config.positives == "user":
            own = log_mean(own, step.batch.users)
        loss = config.weight * config.negative / config.positive * total - own
        return loss.masked_fill(~counts, 0.0)


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=Bilateral(config),
        transform=Angular(config.similarity),
    )
