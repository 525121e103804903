"""BC loss: InfoNCE with a margin that is wide where popularity alone does not explain the pair.

    L   = log(1 + sum_j e^{(s_j - cos(theta_ui + c M_ui)) / t1}),   M_ui = 1 - sigmoid(<p_u, p_i>)
    L_b = log(1 + sum_j e^{(b_uj - b_ui) / t2}),   b_ui = cos(p_u, p_i)

Zhang, Ma, Wang & Chua, "Incorporating Bias-aware Margins into Contrastive Loss for Collaborative
Filtering", NeurIPS 2022 (arXiv 2210.11054): a pair that popularity foretells says little of taste
and gets a narrow margin; a pair against popularity must be held by taste, with a wide one. theta_ui
is the angle of s_ui. p_u and p_i are the vectors of a popularity-only branch: one for each number
of interactions that a user or an item has in train. For `freeze_epoch` epochs the branch learns
alone, by its own InfoNCE on the same negatives: the recommender's rows weigh 0 then, so that it
rests, its L2 penalty too. Then the branch is frozen and the recommender learns; best epoch and
patience start anew with it. The branch learns from cosines, the margin takes the plain product,
whose length no loss bounds: margins may come close to 0 and to 1. c = 0 is InfoNCE at t1 from the
first epoch on, the control; `freeze_epoch=0` has margins by chance.

Ours: where theta + M passes pi the cosine would rise again, so it goes on falling as -2 - cos; the
branch's width and first vectors. The released loss weighs both parts by .5: they share no
parameter, so here both weigh 1. A sequence backbone's row takes the degree of its user over all of
train. `preset=released` is the code's on MF; on LightGCN its negatives are the batch's,
`in_batch+bc_loss`. In a loop of your own (`attach`) an epoch is a pass over the pairs.
Cost per step: N draws and dot products a row, and B scores of the branch for each number of
interactions that items have while it learns; later B products more.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.ops import rng
from negbench.ops.epoch_means import EpochMeans
from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular
from negbench.parts.losses.functions import sampled_softmax
from negbench.parts.requirements import ids_of
from negbench.protocol import (
    Card,
    Ids,
    Method,
    Negatives,
    Phase,
    Rows,
    Scalar,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="BC loss: margins by what popularity does not explain",
    family="contrastive",
    authors="An Zhang, Wenchang Ma, Xiang Wang and Tat-Seng Chua",
    year=2022,
    venue="NeurIPS",
    link="https://arxiv.org/abs/2210.11054",
    paper="Incorporating Bias-aware Margins into Contrastive Loss for Collaborative Filtering",
    moves=("objective", "transform"),
    provenance="specification",
    differs="The angle plus margin keeps falling beyond pi; the branch's loss weighs 1, not .5.",
    presets={
        "released": {"negatives": 128, "tau": 0.07, "tau_popularity": 0.1, "freeze_epoch": 5},
    },
    controls={"bc_loss(margin=0)": "InfoNCE without the margin"},
    search={
        "tau": ("log", 0.05, 1.0),
        "tau_popularity": ("log", 0.05, 1.0),
        "negatives": ("of", 16, 64, 256),
    },
)
EDGE = 1e-6
"""How close to a pole a cosine may come: the sine's slope has no bound there."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; released 128 on MF."""
    tau: float = 0.2
    """t1, above 0; released .07. The default is ours, as that of `info_nce`."""
    tau_popularity: float = 0.1
    """t2, above 0; released .1."""
    margin: float = 1.0
    """c, 0 to 2; 1 is the paper's, 0 is InfoNCE."""
    freeze_epoch: int = 5
    """Epochs that the branch learns, and alone, 0 or more; released 5."""
    width: int = 64
    """Of the branch's vectors, 1 or more."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"negatives": 1, "width": 1, "freeze_epoch": 0},
            above={"tau": 0, "tau_popularity": 0},
            between={"margin": (0, 2)},
        )

    @property
    def alone(self) -> int:
        """Epochs in which the branch learns and the recommender rests; none without a margin."""
        return self.freeze_epoch if self.margin else 0


def widened(cosine: Rows, margin: Rows) -> Rows:
    """Angular margin: cos(theta + margin) of cosine = cos theta, -2 - cos(..) beyond pi, [B]."""
    cosine = cosine.clamp(-1 + EDGE, 1 - EDGE)
    shifted = cosine * margin.cos() - (1 - cosine.square()).sqrt() * margin.sin()
    return torch.where(cosine < -margin.cos(), -2 - shifted, shifted)


class Branch(nn.Module):
    """The popularity-only score b_ui: one vector for each interaction count of users and items."""

    user_level: Tensor
    item_level: Tensor

    def __init__(self, context: TrainContext, width: int) -> None:
        """Draw the vectors from their own random stream."""
        super().__init__()
        generator = rng.stream(context.seed, "popularity branch")
        for side, counts in (("user", context.train.lengths), ("item", context.train.counts)):
            values, level = torch.unique(torch.tensor(counts), return_inverse=True)
            drawn = torch.randn(len(values), width, generator=generator) / width**0.5
            self.register_buffer(f"{side}_level", level, persistent=False)
            self.register_parameter(f"{side}_table", nn.Parameter(drawn))
        self.to(context.device)

    def forward(self, users: Rows, ids: Ids) -> Scores:
        """b of users [B] and items [B, N], [B, N]: each user with all levels, then picked."""
        query = F.normalize(self.get_parameter("user_table")[self.user_level[users]], dim=1)
        levels = query @ F.normalize(self.get_parameter("item_table"), dim=1).T
        return levels.gather(1, self.item_level[ids])

    def products(self, users: Rows, items: Rows) -> Rows:
        """<p_u, p_i> of users [B] and items [B], [B]: of the plain vectors, not their cosines."""
        p_u = self.get_parameter("user_table")[self.user_level[users]]
        p_i = self.get_parameter("item_table")[self.item_level[items]]
        return (p_u * p_i).sum(1)

    def freeze(self) -> None:
        """Clear the gradients, so that no optimiser moves the vectors or its momentum."""
        for parameter in self.parameters():
            parameter.grad = None


class BiasAware:
    """The BC loss, and the popularity branch that gives its margins."""

    def __init__(self, config: Config) -> None:
        """The branch is built in `begin`."""
        self.config, self.averages = config, EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build the branch from the train counts."""
        self.branch = Branch(context, self.config.width)

    def minimised(self) -> list[nn.Parameter]:
        """The branch's vectors."""
        return list(self.branch.parameters()) if self.config.alone else []

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]; 0 and without gradient while the branch learns alone."""
        if not s_neg.shape[1] or step.epoch <= self.config.alone:
            return torch.zeros_like(s_pos)
        margin, tau = self.margin(step), self.config.tau
        self.averages.add("margin", margin)
        held = widened(s_pos, margin) if self.config.margin else s_pos
        return sampled_softmax(held / tau, s_neg / tau, None, negatives.logw, negatives.mask)

    @torch.no_grad()
    def margin(self, step: Step) -> Rows:
        """c M of each row's pair, [B]."""
        own = self.branch.products(step.batch.users, step.batch.items)
        margin: Rows = self.config.margin * (1 - own.sigmoid())
        return margin

    def losses(
        self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives
    ) -> dict[str, Scalar]:
        """The branch's own loss, while it learns alone."""
        del s_pos
        if step.epoch > self.config.alone or not s_neg.shape[1]:
            self.branch.freeze()
            return {}
        items, ids = step.batch.items.unsqueeze(1), ids_of(step, negatives, "bc_loss")
        both = self.branch(step.batch.users, torch.cat([items, ids], 1))
        both = both / self.config.tau_popularity
        rows = sampled_softmax(both[:, 0], both[:, 1:], mask=negatives.mask)
        return {"popularity": rows.mean()}

    def own_phase(self) -> Phase | None:
        """The epochs in which the recommender learns, with margins of the frozen branch."""
        alone = self.config.alone
        return Phase("margins of the frozen branch", alone + 1) if alone else None

    def epoch_metrics(self) -> dict[str, float]:
        """The epoch's metrics: the mean margin."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the branch."""
        return dict(self.branch.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.branch.load_state_dict(state)


def build(config: Config) -> Method:
    """Uniform draws with this loss, on cosines."""
    return Method(
        sampler=Uniform(config.negatives), objective=BiasAware(config), transform=Angular()
    )
