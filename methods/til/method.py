"""Triplet importance learning: a network weighs each triplet by what it does for pairs held apart.

    L = sum_{u,i,j} w_uij softplus(s_j - s_i)
    w = g / mean g,   g = sigmoid(z),   z = mlp(x_uij)
    min_phi sum_meta softplus(s_k(theta') - s_m(theta')),   theta' = theta - rate dL/dtheta
    x_uij = [q_u * v_i, q_u * v_j],   each vector at unit length

Wu et al., CIKM 2022 (arXiv 2208.01709), the variant of the user-item relation: the weights are the
outer problem of a bilevel one, solved one step ahead. The meta pairs (u, m) are carved from train
in `begin`, so nothing held out is met: as rows they weigh 0, and their item is still no negative.
Each has one uniform negative k.

The text could not be read beyond this; what follows is ours. theta is what the backbone hands out:
one shift for each user and item of the batch, 0 at first. For MF that is plain SGD on its table and
the gradient for phi is exact (its L2 left out); for LightGCN and sequence backbones it leaves out
what lies behind their vectors. It is found by autograd; in closed form, for each w_uij, it is -rate
<dl_uij/dtheta, V>, with V the meta loss' gradient at theta'. Weights have mean 1 in a step
(`normalise=false`: g itself, which grows wherever any training helps). With user vectors every row
of a user meets one of the user's carved pairs; without, a sequence's carved positions are the meta
rows. Carved edges stay in LightGCN's graph and carved items in histories as input; L2 falls on
carved rows too. phi learns by the backbone's Adam on the meta loss, so the loss told is the sum of
both. The inner loss is BPR whatever the recipe's objective. Scores surer than the meta pairs bear
out make the network favour triplets that lower them, pairs by chance among them.

Measured on goodbooks (mf, one seed): by epoch 8 all weights are alike, and validation NDCG@20 ends
at .042, that of the control at .041; `centre=true` (z less its mean) keeps the weights apart, and
it is .027 by epoch 25: what helps the meta pairs one step ahead is not what helps in the end.

`trained=false` is the control: the same pairs carved, every weight 1. Cost per step: 2 N + 4 dots a
row thrice over (there, back, back again) and 2 B N H D for the network.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from negbench.ops.epoch_means import Averages
from negbench.parts import BPR, Uniform
from negbench.parts.holdout_pairs import carve
from negbench.parts.requirements import ids_of
from negbench.parts.user_history import Liked
from negbench.protocol import (
    Card,
    Ids,
    Mask,
    Membership,
    Method,
    Negatives,
    Rows,
    Scores,
    Step,
    TrainContext,
)

from .importance_network import Network, network_of
from .lookahead import Ahead, Meta

CARD = Card(
    title="Triplet importance learning, user-item variant",
    family="weighting",
    authors="Wu et al.",
    year=2022,
    venue="CIKM",
    link="https://arxiv.org/abs/2208.01709",
    moves=("stages",),
    provenance="specification",
    differs="Network, inner step and carved part are ours; the step is taken on the vectors that "
    "the backbone hands out.",
    search={"rate": ("log", 0.01, 1.0), "share": ("of", 0.05, 0.1, 0.2), "hidden": ("of", 16, 64)},
)
LEAST = 1e-8
"""Weights are not let below this, for their log."""


@dataclass(frozen=True)
class Config:
    """The settings; none of the paper's is known."""

    share: float = 0.1
    """Of the train pairs, carved as meta pairs; above 0 and below 1. Each user keeps one."""
    rate: float = 0.1
    """Step of the inner SGD, above 0, on the sum over rows."""
    hidden: int = 32
    """H of the network, 1 or more."""
    normalise: bool = True
    """Weights of mean 1 in each step."""
    centre: bool = False
    """Take the mean of the logits off, so that they cannot drift; needs `normalise`."""
    trained: bool = True
    """False is the control: carved alike, every weight 1."""

    def __post_init__(self) -> None:
        """Refuse what cannot be learnt."""
        if not 0 < self.share < 1:
            raise ValueError(f"`share` must be above 0 and below 1; got {self.share}")
        if not self.rate > 0:
            raise ValueError(f"`rate` must be above 0; got {self.rate}")
        if self.centre and not self.normalise:
            raise ValueError("`centre` needs `normalise`; got centre=true and normalise=false")
        if self.hidden < 1:
            raise ValueError(f"`hidden` must be at least 1; got {self.hidden}")


class Importance:
    """Weighs each triplet, and teaches the network that does."""

    def __init__(self, config: Config) -> None:
        """Begin without a network."""
        self.config, self.rivals, self.averages = config, Uniform(1), Averages()

    def begin(self, context: TrainContext) -> None:
        """Carve the meta pairs and draw the network's weights."""
        carved, _ = carve(context.train, self.config.share, context.seed)
        self.carved = Membership.of(carved, device=context.device)
        self.meta = Liked.of(carved, context.device)
        self.rivals.begin(context)
        self.network: Network = network_of(context, self.config.hidden)

    def minimised(self) -> list[nn.Parameter]:
        """phi; nothing where it is a control."""
        return list(self.network.parameters()) if self.config.trained else []

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The same negatives, each weighed; rows of carved pairs weigh 0."""
        batch = step.batch
        kept = ~self.carved.contains(batch.users, batch.items.unsqueeze(1)).squeeze(1)
        weight = kept.to(step.view.query.dtype)
        if negatives.row_weight is not None:
            weight = weight * negatives.row_weight
        made = replace(negatives, row_weight=weight)
        if not (self.config.trained and negatives.n and len(self.meta.items)):
            return made
        ids, counts = ids_of(step, negatives, "til"), kept.unsqueeze(1).expand(-1, negatives.n)
        if negatives.mask is not None:
            counts = counts & negatives.mask
        weights = self.weights(step, ids, counts)
        ahead = Ahead(step, ids, self.pairs(step, ~kept))
        taught = ahead.loss(weights, counts, self.config.rate)
        self.tell(weights[counts], taught)
        logw = weights.detach().clamp(min=LEAST).log()
        if negatives.logw is not None:
            logw = logw + negatives.logw
        return replace(made, logw=logw, losses={**negatives.losses, "importance": taught})

    def weights(self, step: Step, ids: Ids, counts: Mask) -> Scores:
        """w [B, N] with gradient to phi alone."""
        view = step.view
        with torch.no_grad():
            negative = view.rows(ids)
        made: Tensor = self.network(view.query.detach(), view.positive.detach(), negative)
        if not self.config.normalise:
            return made.sigmoid()
        n = counts.sum().clamp(min=1)
        if self.config.centre:
            made = made - (made * counts).sum() / n
        g = made.sigmoid()
        return g * n / (g * counts).sum().clamp(min=LEAST)

    def pairs(self, step: Step, carved: Rows) -> Meta:
        """For each row its meta pair; with user vectors one of its user's carved, drawn evenly."""
        users, drawn = step.batch.users, self.rivals.sample(step)
        assert drawn.ids is not None
        if step.view.users is None:
            positive, there = step.batch.items, carved
        else:
            sizes = self.meta.sizes(users)
            shape, device = (len(users),), users.device
            share = torch.rand(shape, generator=step.generator, device=device, dtype=torch.float64)
            place, there = (share * sizes).long().clamp_(max=sizes - 1), sizes > 0
            positive = self.meta.items[(self.meta.indptr[users] + place).where(there, 0)]
        if drawn.mask is not None:
            there = there & drawn.mask[:, 0]
        return Meta(positive, drawn.ids[:, 0], there)

    @torch.no_grad()
    def tell(self, weights: Tensor, taught: Tensor) -> None:
        """Keep the step's figures."""
        self.averages.add("importance_spread", (weights - weights.mean()).abs())
        self.averages.add("meta_loss", taught)

    def epoch_metrics(self) -> dict[str, float]:
        """The epoch's mean distance of a weight from the mean, and its meta loss."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """phi; what is carved follows from the seed."""
        return dict(self.network.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.network.load_state_dict(state)


def build(config: Config) -> Method:
    """One uniform draw a row under weighed BPR."""
    return Method(sampler=Uniform(1), stages=(Importance(config),), objective=BPR())
