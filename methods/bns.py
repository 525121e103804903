"""Bayesian negative sampling: the candidate of least risk by how likely it is a false negative.

    unbias_j = (1 - F_j)(1 - p_j) / ((1 - F_j)(1 - p_j) + F_j p_j),   info_j = sig(s_j - s_i)
    j = argmin_{j in C} info_j (1 - (1 + lambda) unbias_j)

Liu & Wang, "Bayesian Negative Sampling for Recommendation", ICDE 2023. F_j is the share of the
user's unobserved items that score s_j or less, p_j the prior probability that the user would like
j, from its popularity, and unbias_j the posterior that j is a true negative. Informative candidates
are taken as long as the posterior holds. One candidate is `random`; with a prior of 0 it is `dns`,
with a prior of 1 the easiest candidate is taken.

As released the prior is the item's share of all interactions (`prior=share`), mostly near 1e-4;
then unbias is .9999, .99 and .5 at F = .5, .99 and .9999, so only the few top items of a user are
ever spared, and everywhere else the method is `dns`. `prior=users` is the share of users that have
met the item. The epoch's metrics log the mean prior of the candidates (`bns_prior`) and the share
of rows whose choice is not the best scored one (`bns_spared`). Where F and p leave nothing to
divide, unbias is 1. `sampled` above 0 estimates F from that many uniform draws, with the error
1 / (2 sqrt n), too coarse for a prior of 1e-4. Cost per step: I dot products a row, or `sampled`.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from negbench.ops.count_at_most import count_at_most
from negbench.ops.epoch_means import EpochMeans
from negbench.parts import BPR, Uniform
from negbench.parts.requirements import ids_of
from negbench.parts.sampling.proposals import UniformProposal, sample_outside
from negbench.parts.score_space import items_of
from negbench.protocol import (
    Card,
    Ids,
    Method,
    Negatives,
    Rows,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="Bayesian negative sampling",
    family="dynamic",
    authors="Bin Liu and Bang Wang",
    year=2023,
    venue="ICDE",
    link="https://doi.org/10.1109/ICDE55515.2023.00063",
    paper="Bayesian Negative Sampling for Recommendation",
    moves=("stages",),
    needs=("catalogue",),
    provenance="specification",
    differs="As released; another prior and a sampled distribution of scores are options.",
    search={
        "candidates": ("of", 5, 10, 20),
        "lam": ("of", 0.1, 1.0, 5.0),
        "prior": ("of", "share", "users"),
    },
    controls={"bns(scale=0)": "a prior of 0: hard negatives, none spared"},
    presets={
        "released": {"candidates": 5, "lam": 5.0, "prior": "share", "scale": 1.0, "sampled": 0}
    },
)
BLOCK = 1 << 18
"""Rows x items scored at once: what stays in a processor's cache."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 5
    """Size of C, 1 or more; 5 released."""
    lam: float = 5.0
    """lambda, the weight of a true negative's information, 0 or more; 5 released."""
    prior: Literal["share", "users"] = "share"
    """share: of all interactions, as released; users: the share of users that met the item."""
    scale: float = 1.0
    """Factor of the prior, which is cut at 1; 0 or more."""
    sampled: int = 0
    """Draws that estimate F, 0 or more; 0 takes all items, as released."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"candidates": 1, "lam": 0, "scale": 0, "sampled": 0})


class LeastRisk:
    """Stage: keep the candidate of least risk."""

    def __init__(self, config: Config) -> None:
        """The prior is built in `begin`."""
        self.config, self.averages = config, EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the prior of each item, [I]."""
        counts = context.counts.double()
        whole = counts.sum() if self.config.prior == "share" else counts.new_tensor(context.n_users)
        self.prior = (self.config.scale * counts / whole.clamp(min=1)).clamp(max=1)
        self.items = UniformProposal(context.n_items, context.device)

    @torch.no_grad()
    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, M] or shared [K] -> [B, 1]."""
        if not negatives.n:
            return negatives
        scores, ids = step.scores_no_grad(negatives), ids_of(step, negatives, "bns")
        s_pos = step.view.score_pair(step.view.positive)
        prior = self.prior[ids]
        below = (self.sampled if self.config.sampled else self.share_below)(step, ids)
        cost = risk(s_pos, scores, below, prior, self.config.lam)
        best = cost.argmin(1, keepdim=True)
        self.averages.add("bns_prior", prior)
        self.averages.add("bns_spared", scores.gather(1, best).squeeze(1) < scores.amax(1))
        return negatives.take(best)

    def share_below(self, step: Step, ids: Ids) -> Scores:
        """F at each candidate: the share of the user's unobserved items at or below it, [B, M]."""
        context, users, view = step.context, step.batch.users, step.view
        items, query = items_of(step), view.similarity.query(view.query)
        view.dots.add(len(query) * len(items), pooled=True)
        every_row, counts = torch.arange(len(users), device=ids.device), []
        for rows in torch.split(every_row, max(1, BLOCK // len(items))):
            scores = query[rows] @ items.T
            at = scores.gather(1, ids[rows])  # the same products: an item is not below itself
            context.excluded.fill_(scores, users[rows], torch.inf)
            counts.append(count_at_most(scores, at))
        free = (context.n_items - context.excluded.sizes[users]).clamp(min=1)
        return torch.cat(counts).double() / free.unsqueeze(1)

    def sampled(self, step: Step, ids: Ids) -> Scores:
        """The same from uniform draws, n of them: never 1, as one more might lie above."""
        n, excluded = self.config.sampled, step.context.excluded
        drawn, mask = sample_outside(self.items, excluded, step.batch.users, n, step.generator)
        # Scored at once: products that are rounded apart would put an item below itself.
        both = step.scores_no_grad(Negatives(torch.cat([drawn, ids], 1)))
        others, at = both[:, :n], both[:, n:]
        if mask is not None:
            others = others.masked_fill(~mask, -torch.inf)
        return count_at_most(others, at).double() / (n + 1)

    def epoch_metrics(self) -> dict[str, float]:
        """The epoch's metrics: the mean prior, and the share of rows that spare the best scored."""
        return dict(self.averages.epoch_metrics())


def risk(s_pos: Rows, scores: Scores, below: Scores, prior: Scores, lam: float) -> Scores:
    """Risk of each candidate, [B, M]; infinite where its score is minus infinity: masked.

    In float64, in which scores far above the positive's do not tie.
    """
    true = (1 - below) * (1 - prior)
    total = true + below * prior
    unbias = torch.where(total > 0, true / total, 1.0)
    info = torch.sigmoid(scores.double() - s_pos.double().unsqueeze(1))
    return (info * (1 - (1 + lam) * unbias)).masked_fill(scores.isneginf(), torch.inf)


def build(config: Config) -> Method:
    """The least risky of the uniform candidates, with BPR."""
    return Method(sampler=Uniform(config.candidates), stages=(LeastRisk(config),), objective=BPR())
