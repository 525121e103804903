"""Margin-aware alignment with weighted uniformity: a learnt angle between each user and item.

    L = -mean cos(clip(angle(u, i) + 1 - sigma(m_u + m_i), 0, pi)) + g1 lu(users) + g2 lu(items)
    lu(X) = log of the mean over all B^2 entries, e^{-4} for those not below the diagonal

MAWU (CIKM 2023). m_u and m_i are one number a user and an item, trained with the backbone and put
back into [0, 1] after every step, so that the margin lies between 1 - sigma(2) = .12 and .5. A
greater m lowers the loss wherever nothing is clipped: margins only shrink, those of frequent users
and items first; the log has their mean. The starting value is ours.

lu is the released one, flatter than DirectAU's: half of its entries are constant
(`uniformity=pairs` takes that of `directau`). As there, only directions are trained and the
released code ranks by the dot product. m_u goes by the user's id, also where a sequence
backbone makes the query. Cost per step: 2 B dot products a row, no draws; U + I parameters.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import NoNegatives
from negbench.parts.cosine_scores import Angular
from negbench.parts.losses.uniformity import uniformity
from negbench.protocol import (
    Card,
    Feedback,
    Method,
    Negatives,
    Rows,
    Scalar,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="MAWU: margin-aware alignment and weighted uniformity",
    family="no_negatives",
    authors="Seongmin Park, Mincheol Yoon, Jae-woong Lee, Hogun Park and Jongwuk Lee",
    year=2023,
    venue="CIKM",
    link="https://arxiv.org/abs/2308.06091",
    paper="Toward a Better Understanding of Loss Functions for Collaborative Filtering",
    moves=("sampler", "objective", "transform"),
    provenance="specification",
    differs="Margins start at `initial`, ours; batch size, rate and L2 are the backbone's.",
    search={"users": ("log", 0.1, 5.0), "items": ("log", 0.05, 5.0)},
    controls={
        "mawu(uniformity=pairs)": "The uniformity of directau: how much the flatter one matters",
    },
    presets={
        "released": {"users": 0.8, "items": 0.6, "rank": "dot", "uniformity": "entries"},
        "beauty": {"users": 1.0, "items": 0.1, "rank": "dot", "uniformity": "entries"},
        "gowalla": {"users": 2.6, "items": 1.4, "rank": "dot", "uniformity": "entries"},
        "yelp": {"users": 0.8, "items": 0.6, "rank": "dot", "uniformity": "entries"},
    },
)
EDGE = 1e-6
"""Cosines stay this far from -1 and 1, where the angle has no gradient."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    users: float = 0.8
    """g1, 0 or more; released 1 (Beauty), 2.6 (Gowalla) and .8 (Yelp), on MF."""
    items: float = 0.6
    """g2, 0 or more; released .1, 1.4 and .6."""
    initial: float = 0.0
    """First value of every m, 0 to 1; ours."""
    uniformity: Literal["entries", "pairs"] = "entries"
    """entries is the released form; pairs is that of `directau`."""
    rank: Literal["dot", "cosine"] = "dot"
    """dot: rank by the backbone's own scores, as released; cosine: by what is trained."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"users": 0, "items": 0}, between={"initial": (0, 1)})


class MarginAlignment:
    """The cosine at a margin, with its parameters, and the uniformity of both sides."""

    def __init__(self, config: Config) -> None:
        """The parameters are made by `begin`."""
        self.config, self.averages = config, EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: one number for every user and item."""

        def table(size: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(
                torch.full((size,), self.config.initial, device=context.device)
            )

        self.user, self.item = table(context.n_users), table(context.n_items)

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """m of users and of items."""
        return [self.user, self.item]

    def margin(self, step: Step) -> Rows:
        """1 - sigma(m_u + m_i) of each row, [B]."""
        total = self.user[step.batch.users] + self.item[step.batch.items]
        return torch.sigmoid(-total)

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """Minus the cosine at the margin, [B]."""
        del s_pos, s_neg, negatives
        cosine = F.cosine_similarity(step.view.query, step.view.positive, dim=1)
        margin = self.margin(step)
        self.averages.add("margin", margin)
        angle = cosine.clamp(-1 + EDGE, 1 - EDGE).acos()
        return -(angle + margin).clamp(0, math.pi).cos()

    def losses(
        self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives
    ) -> Mapping[str, Scalar]:
        """Uniformity of users and of items, weighted."""
        del s_pos, s_neg, negatives
        config, view = self.config, step.view
        view.dots.add(2 * len(step.batch) ** 2, pooled=True)
        return {
            "uniformity_users": config.users * uniformity(view.query, config.uniformity),
            "uniformity_items": config.items * uniformity(view.positive, config.uniformity),
        }

    @torch.no_grad()
    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: put m back into [0, 1]."""
        del feedback
        self.user.clamp_(0, 1)
        self.item.clamp_(0, 1)

    def epoch_metrics(self) -> Mapping[str, float]:
        """The mean margin of the epoch's rows."""
        return self.averages.epoch_metrics()

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The parameters."""
        return {"user": self.user.detach(), "item": self.item.detach()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Restore the parameters, in place: the optimiser holds them."""
        self.user.copy_(state["user"])
        self.item.copy_(state["item"])


def build(config: Config) -> Method:
    """The loss without a sampler; the transform is for the ranking."""
    return Method(
        sampler=NoNegatives(),
        objective=MarginAlignment(config),
        transform=Angular("cosine" if config.rank == "cosine" else "backbone"),
    )
