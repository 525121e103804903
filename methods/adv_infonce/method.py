"""AdvInfoNCE: InfoNCE whose negatives are weighed by an adversary that learns how hard each is.

    min_theta max_p L,   L = log(1 + K sum_j e^{delta_j} e^{(s_j - s_i) / tau}),   s = cosine
    delta_j = log(N p_j),   p = softmax_j(g_uj) over the row's N negatives

Zhang, Sheng, Cai, Wang & Chua, "Empowering Collaborative Filtering with Principled Adversarial
Contrastive Loss", NeurIPS 2023 (arXiv 2310.18700). delta_j > 0 asks for a larger margin, delta_j
< 0 forgives a likely false negative. `embed`: g_uj = <a_u, b_j> from tables of their own; `mlp`:
<relu(A q_u), relu(B v_j)> of the backbone's vectors, without gradient. The adversary goes up the
loss in epochs e > `warm_up` with (e + 3) mod `interval` = 0, `adversarial_epochs` of them; p is
fixed after that. Its gradient p_j (e^{s_j / tau} - mean_p) raises the weight of high scores: false
negatives that score high are weighed up by it, not down. Nothing bounds p in the released code: how
far it strays from uniform u is told by epoch, `kl_u_p` = KL(u || p) and `kl_p_u`.

`exact` is ours: in place of a network the worst p of each row within a ball of radius `eta`, in
closed form (`kl_ball.py`), KL(p || u) <= eta with `ball=p_u`, the other with `u_p`; which of
them the paper means could not be read. At eta = 0 it is `info_nce(weight=64)`: the row that this
method must be compared with, for K alone moves results.

Differs: the released code takes a whole pass up with the recommender frozen, and then the epoch
down. A part sees each step once, so in these epochs both move in the same steps, the adversary
after the recommender, on the scores before its move. It has an Adam of its own (`adversary_lr`).
Rows are pairs, there each user alike; the backbone's L2 is as for all methods. Cost per step: N dot
products a row and N more of the adversary's width, twice in the epochs up; `exact` takes 33
softmaxes of [B, N] instead.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from negbench.ops.epoch_means import Averages
from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.infonce import InfoNCE
from negbench.protocol import Card, Feedback, Method, Negatives, Step, TrainContext

from .adversary import Projections, Tables
from .kl_ball import Ball, delta_of, kl_of, worst

CARD = Card(
    title="AdvInfoNCE: adversarially learnt hardness",
    family="contrastive",
    authors="Zhang, Sheng, Cai, Wang and Chua",
    year=2023,
    venue="NeurIPS",
    link="https://arxiv.org/abs/2310.18700",
    moves=("objective", "transform"),
    provenance="specification",
    differs="The adversary goes up in the same steps in which the recommender goes down, not in a "
    "pass before; rows are pairs; variant=exact, in closed form, is ours.",
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
    """How many go up, 0 or more; 7 to 20 there. 0 leaves p where it begins, near uniform."""
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
        """Refuse what cannot be trained."""
        for name, least in (
            ("negatives", 1),
            ("interval", 1),
            ("warm_up", 0),
            ("adversarial_epochs", 0),
            ("width", 0),
            ("eta", 0),
        ):
            if not getattr(self, name) >= least:
                raise ValueError(f"`{name}` must be at least {least}; got {getattr(self, name)}")
        if not self.adversary_lr > 0:
            raise ValueError(f"`adversary_lr` must be above 0; got {self.adversary_lr}")
        InfoNCE(self.tau, self.weight)

    def ascends(self, epoch: int) -> bool:
        """Whether the adversary goes up in this epoch, counted from 1."""
        if epoch <= self.warm_up or (epoch + 3) % self.interval:
            return False
        before = (epoch + 2) // self.interval - (self.warm_up + 3) // self.interval
        return before < self.adversarial_epochs


class Hardened:
    """InfoNCE over negatives that weigh e^delta each; a subclass says delta."""

    def __init__(self, config: Config) -> None:
        """Remember the settings."""
        self.config, self.loss = config, InfoNCE(config.tau, config.weight)
        self.averages = Averages()

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B], with gradient to the scores alone."""
        delta = self.delta(step, s_neg.detach(), negatives).detach()
        for ball, kl in kl_of(delta, negatives.mask).items():
            self.averages.add(f"kl_{ball}", kl)
        return self.weighed(s_pos, s_neg, delta, negatives)

    def delta(self, step: Step, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """log(N p) of each negative, [B, N]."""
        raise NotImplementedError

    def weighed(self, s_pos: Tensor, s_neg: Tensor, delta: Tensor, negatives: Negatives) -> Tensor:
        """L of each row, [B]; weights that came with the negatives multiply."""
        logw = delta if negatives.logw is None else negatives.logw + delta
        return self.loss.of(s_pos, s_neg, logw, negatives.mask)

    def epoch_metrics(self) -> dict[str, float]:
        """The epoch's mean divergences from uniform."""
        return dict(self.averages.epoch_metrics())


class Worst(Hardened):
    """delta in closed form, anew in every step."""

    def delta(self, step: Step, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The worst p within the ball."""
        del step
        config = self.config
        return worst(s_neg / config.tau, config.eta, config.ball, negatives.mask)


class Learnt(Hardened):
    """delta from an adversary with an Adam of its own, which steps in its own epochs only.

    It is not declared as Maximises: the loop's Adam has the backbone's step size, and its momentum
    would move the adversary in the epochs between.
    """

    def begin(self, context: TrainContext) -> None:
        """Draw the adversary's weights."""
        self.net: Tables | Projections
        if self.config.variant == "embed":
            self.net = Tables(context, self.config.width or 64)
        else:
            self.net = Projections(context, self.config.width or 4)
        self.optimiser = torch.optim.Adam(
            self.net.parameters(), lr=self.config.adversary_lr, maximize=True
        )

    def delta(self, step: Step, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """What the adversary has learnt so far."""
        del s_neg
        return delta_of(self.net.logits(step, negatives), negatives.mask)

    def observe(self, feedback: Feedback) -> None:
        """One step up the loss at the scores as they were, in the epochs that go up."""
        if self.config.ascends(feedback.step.epoch) and feedback.s_neg.shape[1]:
            self.ascend(feedback)

    def ascend(self, feedback: Feedback) -> None:
        """One step of the adversary; no gradient reaches the recommender."""
        self.optimiser.zero_grad()
        with torch.enable_grad():
            delta = self.delta(feedback.step, feedback.s_neg, feedback.negatives)
            loss = self.weighed(feedback.s_pos, feedback.s_neg, delta, feedback.negatives).mean()
        torch.autograd.backward(loss)
        self.optimiser.step()

    def state_dict(self) -> dict[str, Any]:
        """The adversary's weights and its optimiser's moments."""
        return {"net": dict(self.net.state_dict()), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])


def build(config: Config) -> Method:
    """Uniform draws under the loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=Worst(config) if config.variant == "exact" else Learnt(config),
        transform=Angular(config.similarity),
    )
