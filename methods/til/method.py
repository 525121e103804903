"""Triplet importance learning: a network weights each triplet by its effect on held-out pairs.

    L = sum_{u,i,j} w_uij softplus(s_j - s_i)
    w = g / mean g,   g = sigmoid(z),   z = mlp(x_uij)
    min_phi sum_meta softplus(s_k(theta') - s_m(theta')),   theta' = theta - rate dL/dtheta
    x_uij = [q_u * v_i, q_u * v_j],   each vector at unit length

Wu et al., CIKM 2022 (arXiv 2208.01709), the variant of the user-item relation: the weights are the
outer problem of a bilevel one, solved one step ahead. The meta pairs (u, m) are held out of train
in `begin`, never of valid or test: as rows they weigh 0, and their item is still no negative.
Each has one uniform negative k.

The text could not be read beyond this; what follows is ours. theta are the backbone's vectors: one
shift for each user and item of the batch, 0 at first. For MF that is plain SGD on its table and the
gradient for phi is exact (its L2 left out); for LightGCN and sequence backbones it leaves out what
lies behind their vectors. It is computed by autograd; in closed form, for each w_uij, it is -rate
<dl_uij/dtheta, V>, with V the meta loss' gradient at theta'. Weights have mean 1 in a step
(`normalise=false`: g itself, which grows wherever any training helps). With user vectors every row
of a user gets one of the user's held-out pairs; without, a sequence's held-out positions are the
meta rows. Held-out edges stay in LightGCN's graph and held-out items in histories as input; L2
falls on held-out rows too. phi is trained by the backbone's Adam on the meta loss, so the loss
logged is the sum of both. The inner loss is BPR whatever the recipe's objective. Scores surer than
the meta pairs bear out make the network favour triplets that lower them, pairs by chance among
them.

Measured on goodbooks (mf, one seed): by epoch 8 all weights are alike, and validation NDCG@20 ends
at .042, that of the control at .041; `centre=true` (z less its mean) keeps the weights apart, and
it is .027 by epoch 25: what helps the meta pairs one step ahead is not what helps in the end.

`trained=false` is the control: the same pairs held out, every weight 1. Cost per step: 2 N + 4 dots
a row thrice over (forward, backward, and backward again) and 2 B N H D for the network.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import BPR, Uniform
from negbench.parts.holdout_pairs import hold_out
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
    Scalar,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

from .importance_network import ImportanceNetwork, network_of
from .lookahead import Lookahead, MetaPairs

CARD = Card(
    title="Triplet importance learning, user-item variant",
    family="weighting",
    authors="Haolun Wu, Chen Ma, Yingxue Zhang, Xue Liu, Ruiming Tang and Mark Coates",
    year=2022,
    venue="CIKM",
    link="https://arxiv.org/abs/2208.01709",
    paper="Adapting Triplet Importance of Implicit Feedback for Personalized Recommendation",
    moves=("stages",),
    provenance="specification",
    differs="Network, inner step and held-out part are ours; the step is taken on the backbone's "
    "vectors.",
    controls={"til(trained=false)": "the same pairs held out, every weight 1"},
    search={"rate": ("log", 0.01, 1.0), "share": ("of", 0.05, 0.1, 0.2), "hidden": ("of", 16, 64)},
)
MIN_WEIGHT = 1e-8
"""Weights are clamped here, for their log."""


@dataclass(frozen=True)
class Config:
    """The settings; none of the paper's is known."""

    share: float = 0.1
    """Share of train pairs held out as meta pairs, above 0 and below 1. Each user keeps one."""
    rate: float = 0.1
    """Step of the inner SGD, above 0, on the sum over rows."""
    hidden: int = 32
    """H of the network, 1 or more."""
    normalise: bool = True
    """Weights of mean 1 in each step."""
    centre: bool = False
    """Subtract the mean of the logits, so that they cannot drift; needs `normalise`."""
    trained: bool = True
    """False is the control: the same pairs held out, every weight 1."""

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.share < 1:
            raise ValueError(f"`share` must be above 0 and below 1; got {self.share}")
        check_ranges(self, at_least={"hidden": 1}, above={"rate": 0})
        if self.centre and not self.normalise:
            raise ValueError("`centre` needs `normalise`; got centre=true and normalise=false")


class ImportanceWeighting:
    """Weights each triplet by the importance network, and trains that network."""

    def __init__(self, config: Config) -> None:
        """Read the settings; the network is built in `begin`."""
        self.config, self.uniform, self.averages = config, Uniform(1), EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: hold out the meta pairs and draw the network's weights."""
        held_out, _ = hold_out(context.train, self.config.share, context.seed)
        self.held_out = Membership.of(held_out, device=context.device)
        self.meta = Liked.of(held_out, context.device)
        self.uniform.begin(context)
        self.network: ImportanceNetwork = network_of(context, self.config.hidden)

    def minimised(self) -> list[nn.Parameter]:
        """The network's weights phi; none in the control."""
        return list(self.network.parameters()) if self.config.trained else []

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The same negatives, each with its weight; rows of held-out pairs weigh 0."""
        batch = step.batch
        trained = ~self.held_out.contains(batch.users, batch.items.unsqueeze(1)).squeeze(1)
        weight = trained.to(step.view.query.dtype)
        if negatives.row_weight is not None:
            weight = weight * negatives.row_weight
        weighted = replace(negatives, row_weight=weight)
        if not (self.config.trained and negatives.n and len(self.meta.items)):
            return weighted
        ids, mask = ids_of(step, negatives, "til"), trained.unsqueeze(1).expand(-1, negatives.n)
        if negatives.mask is not None:
            mask = mask & negatives.mask
        weights = self.weights(step, ids, mask)
        lookahead = Lookahead(step, ids, self.meta_pairs(step, ~trained))
        meta_loss = lookahead.loss(weights, mask, self.config.rate)
        self.log_step(weights[mask], meta_loss)
        logw = weights.detach().clamp(min=MIN_WEIGHT).log()
        if negatives.logw is not None:
            logw = logw + negatives.logw
        return replace(weighted, logw=logw, losses={**negatives.losses, "importance": meta_loss})

    def weights(self, step: Step, ids: Ids, mask: Mask) -> Scores:
        """w [B, N] with gradient to phi alone."""
        view = step.view
        with torch.no_grad():
            negative = view.rows(ids)
        logits: Scores = self.network(view.query.detach(), view.positive.detach(), negative)
        if not self.config.normalise:
            return logits.sigmoid()
        n = mask.sum().clamp(min=1)
        if self.config.centre:
            logits = logits - (logits * mask).sum() / n
        g = logits.sigmoid()
        return g * n / (g * mask).sum().clamp(min=MIN_WEIGHT)

    def meta_pairs(self, step: Step, held_out: Rows) -> MetaPairs:
        """The meta pair of each row; with user vectors a random held-out pair of its user."""
        users, drawn = step.batch.users, self.uniform.sample(step)
        assert drawn.ids is not None
        if step.view.users is None:
            positive, mask = step.batch.items, held_out
        else:
            sizes = self.meta.sizes(users)
            shape, device = (len(users),), users.device
            share = torch.rand(shape, generator=step.generator, device=device, dtype=torch.float64)
            place, mask = (share * sizes).long().clamp_(max=sizes - 1), sizes > 0
            positive = self.meta.items[(self.meta.indptr[users] + place).where(mask, 0)]
        if drawn.mask is not None:
            mask = mask & drawn.mask[:, 0]
        return MetaPairs(positive, drawn.ids[:, 0], mask)

    @torch.no_grad()
    def log_step(self, weights: Rows, meta_loss: Scalar) -> None:
        """Log the spread of the weights [n] and the meta loss."""
        self.averages.add("importance_spread", (weights - weights.mean()).abs())
        self.averages.add("meta_loss", meta_loss)

    def epoch_metrics(self) -> dict[str, float]:
        """Mean distance of a weight from the mean weight, and the mean meta loss."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: phi; the held-out pairs follow from the seed."""
        return dict(self.network.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.network.load_state_dict(state)


def build(config: Config) -> Method:
    """One uniform negative a row under weighted BPR."""
    return Method(sampler=Uniform(1), stages=(ImportanceWeighting(config),), objective=BPR())
