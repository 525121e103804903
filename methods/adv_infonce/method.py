"""AdvInfoNCE: InfoNCE whose negatives are weighted by an adversary that learns their hardness.

    min_theta max_p L,   L = log(1 + K sum_j e^{delta_j} e^{(s_j - s_i) / tau}),   s = cosine
    delta_j = log(N p_j),   p = softmax_j(g_uj) over the row's N negatives

Zhang, Sheng, Cai, Wang & Chua, "Empowering Collaborative Filtering with Principled Adversarial
Contrastive Loss", NeurIPS 2023 (arXiv 2310.18700). delta_j > 0 asks for a larger margin, delta_j
< 0 forgives a likely false negative. `embed`: g_uj = <a_u, b_j> from tables of their own; `mlp`:
<relu(A q_u + a), relu(B v_j + b)> of the backbone's vectors before propagation, without gradient.
The adversary goes up the loss in epochs e > `warm_up` with (e + 2) mod `interval` = 0 (released: e
+ 3, counted from 0), `adversarial_epochs` of them; p is fixed after that. Its gradient p_j (e^{s_j
/ tau} - mean_p) raises the weight of high scores: false negatives that score high get larger
weights from it, not smaller ones. Nothing bounds p in the released code: its divergence from
uniform u is logged by epoch, `kl_u_p` = KL(u || p) and `kl_p_u`.

`exact` is ours: in place of a network the worst p of each row within a ball of radius `eta`, in
closed form (`kl_ball.py`), KL(p || u) <= eta with `ball=p_u`, the other with `u_p`; which of
them the paper means could not be read. At eta = 0 it is `info_nce(weight=64)`: the row to
compare this method with, for K alone moves results.

Differs: the released code takes a whole pass up with the recommender frozen, and then the epoch
down. A part sees each step once, so in these epochs both move in the same steps, the adversary
after the recommender, on the scores before its move. It has an Adam of its own (`adversary_lr`).
Rows are pairs, there each user alike; the backbone's L2 is as for all methods. `preset=released` is
the code's for Yahoo!R3 on LightGCN; the others have the names of their data. Cost per step: N dot
products a row and N more of the adversary's width, twice in the epochs up; `exact` takes 33
softmaxes of [B, N] instead.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import torch

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.infonce import InfoNCE
from negbench.protocol import (
    Card,
    Feedback,
    Method,
    Negatives,
    Phase,
    Rows,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

from .adversary import Projections, Tables
from .kl_ball import Ball, delta_from_logits, kl_divergences, worst_case_delta

CARD = Card(
    title="AdvInfoNCE: adversarially learnt hardness",
    family="contrastive",
    authors="An Zhang, Leheng Sheng, Zhibo Cai, Xiang Wang and Tat-Seng Chua",
    year=2023,
    venue="NeurIPS",
    link="https://arxiv.org/abs/2310.18700",
    paper="Empowering Collaborative Filtering with Principled Adversarial Contrastive Loss",
    moves=("objective", "transform"),
    provenance="specification",
    differs="The adversary goes up in the same steps in which the recommender goes down, not in a "
    "pass before; rows are pairs; variant=exact, in closed form, is ours.",
    controls={"info_nce(weight=64)": "the same K, every negative alike"},
    presets={
        "released": {
            "negatives": 64,
            "tau": 0.28,
            "weight": 64.0,
            "interval": 5,
            "adversarial_epochs": 13,
            "adversary_lr": 1e-4,
        },
        "tencent": {
            "negatives": 128,
            "tau": 0.09,
            "weight": 64.0,
            "interval": 5,
            "adversarial_epochs": 7,
            "adversary_lr": 5e-5,
        },
        "kuairec": {
            "negatives": 128,
            "tau": 2.0,
            "weight": 64.0,
            "interval": 5,
            "adversarial_epochs": 12,
            "adversary_lr": 5e-5,
        },
        "coat": {
            "negatives": 64,
            "tau": 0.75,
            "weight": 64.0,
            "interval": 15,
            "adversarial_epochs": 20,
            "adversary_lr": 1e-2,
        },
    },
    search={
        "tau": ("log", 0.05, 1.0),
        "weight": ("of", 1.0, 16.0, 64.0),
        "negatives": ("of", 16, 64, 128),
        "adversary_lr": ("log", 5e-5, 1e-2),
        "adversarial_epochs": ("int", 1, 20),
        "eta": ("log", 0.01, 2.0),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    variant: Literal["embed", "mlp", "exact"] = "embed"
    """embed and mlp are the released ones; exact has no network."""
    negatives: int = 64
    """N, 1 or more; 64 or 128 in the released code."""
    tau: float = 0.2
    """Above 0; .09, .28, .75 and 2 there, by data set. The default is `info_nce`'s."""
    weight: float = 64.0
    """K, above 0; 64 there, on every data set."""
    similarity: Scoring = "cosine"
    """cosine, as released; backbone: the scores as they come."""
    warm_up: int = 0
    """Epochs without the adversary's moves, 0 or more; not known of the paper."""
    interval: int = 5
    """Epochs from one that goes up to the next, 1 or more; 5 or 15 there."""
    adversarial_epochs: int = 7
    """How many go up, 0 or more; 7 to 20 there. 0 leaves p at its start, near uniform."""
    adversary_lr: float = 0.001
    """Above 0; 5e-5 to 1e-2 there. Seven epochs up in a row on goodbooks (mf, N = 32) end at a
    `kl_u_p` near 1 with 0.002 and near 3 with 0.01, which leaves few negatives any weight."""
    width: int = 0
    """H of the adversary, 0 for the paper's: 64 of embed, 4 of mlp."""
    eta: float = 0.1
    """exact: radius of the ball, 0 or more; log N reaches one negative alone with p_u."""
    ball: Ball = "p_u"
    """exact: p_u bounds KL(p || u), u_p bounds KL(u || p)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        least = {"negatives": 1, "interval": 1, "warm_up": 0, "adversarial_epochs": 0}
        check_ranges(self, at_least=least | {"width": 0, "eta": 0}, above={"adversary_lr": 0})
        InfoNCE(self.tau, self.weight)

    def ascends(self, epoch: int) -> bool:
        """Whether the adversary goes up in this epoch, counted from 1."""
        if epoch <= self.warm_up or (epoch + 2) % self.interval:
            return False
        before = (epoch + 1) // self.interval - (self.warm_up + 2) // self.interval
        return before < self.adversarial_epochs

    @property
    def first_ascent(self) -> int:
        """The first epoch in which the adversary goes up; 0 where none does."""
        if self.variant == "exact" or not self.adversarial_epochs:
            return 0
        return next(e for e in range(1, self.warm_up + self.interval + 1) if self.ascends(e))


class WeightedInfoNCE:
    """InfoNCE over negatives of weight e^delta; a subclass computes delta."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config, self.loss = config, InfoNCE(config.tau, config.weight)
        self.averages = EpochMeans()

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B], with gradient to the scores alone."""
        delta = self.delta(step, s_neg.detach(), negatives).detach()
        for ball, kl in kl_divergences(delta, negatives.mask).items():
            self.averages.add(f"kl_{ball}", kl)
        return self.weighted_loss(s_pos, s_neg, delta, negatives)

    def delta(self, step: Step, s_neg: Scores, negatives: Negatives) -> Scores:
        """log(N p) of each negative, [B, N]. Raises NotImplementedError in this base class."""
        raise NotImplementedError

    def weighted_loss(
        self, s_pos: Rows, s_neg: Scores, delta: Scores, negatives: Negatives
    ) -> Rows:
        """L of each row, [B]; weights that the negatives already have multiply."""
        logw = delta if negatives.logw is None else negatives.logw + delta
        return self.loss.of(s_pos, s_neg, logw, negatives.mask)

    def epoch_metrics(self) -> dict[str, float]:
        """Mean divergences of p from uniform over the epoch."""
        return dict(self.averages.epoch_metrics())


class WorstCase(WeightedInfoNCE):
    """delta in closed form, computed in every step."""

    def delta(self, step: Step, s_neg: Scores, negatives: Negatives) -> Scores:
        """The worst p within the ball."""
        del step
        config = self.config
        return worst_case_delta(s_neg / config.tau, config.eta, config.ball, negatives.mask)


class Adversarial(WeightedInfoNCE):
    """delta from an adversary with an Adam of its own, which steps in its own epochs only.

    It is not declared as Maximises: the loop's Adam has the backbone's step size, and its momentum
    would move the adversary in the epochs between.
    """

    def begin(self, context: TrainContext) -> None:
        """Callback before training: draw the adversary's weights."""
        self.net: Tables | Projections
        if self.config.variant == "embed":
            self.net = Tables(context, self.config.width or 64)
        else:
            self.net = Projections(context, self.config.width or 4)
        self.optimiser = torch.optim.Adam(
            self.net.parameters(), lr=self.config.adversary_lr, maximize=True
        )

    def delta(self, step: Step, s_neg: Scores, negatives: Negatives) -> Scores:
        """delta by the adversary's current weights."""
        del s_neg
        return delta_from_logits(self.net.logits(step, negatives), negatives.mask)

    def own_phase(self) -> Phase | None:
        """The epochs from the adversary's first ascent on; before it p is near uniform."""
        begins = self.config.first_ascent
        return Phase("adversary", begins) if begins else None

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: gradient ascent at its scores, in the epochs that go up."""
        if self.config.ascends(feedback.step.epoch) and feedback.s_neg.shape[1]:
            self.ascend(feedback)

    def ascend(self, feedback: Feedback) -> None:
        """One gradient ascent step of the adversary; no gradient reaches the recommender."""
        self.optimiser.zero_grad()
        with torch.enable_grad():
            delta = self.delta(feedback.step, feedback.s_neg, feedback.negatives)
            rows = self.weighted_loss(feedback.s_pos, feedback.s_neg, delta, feedback.negatives)
        torch.autograd.backward(rows.mean())
        self.optimiser.step()

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the adversary's weights and its optimiser's moments."""
        return {"net": dict(self.net.state_dict()), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(deepcopy(state["optimiser"]))  # or both would update one


def build(config: Config) -> Method:
    """Uniform negatives under the loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=WorstCase(config) if config.variant == "exact" else Adversarial(config),
        transform=Angular(config.similarity),
    )
