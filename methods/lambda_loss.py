"""LambdaRank weights: each pair of BPR weighs by what swapping its two items would do to NDCG.

    L = mean_j w_ij softplus(s_j - s_i)
    rank:      w_ij = |1 / D(p_i) - 1 / D(p_j)|,   D(p) = log2(1 + p),   p = rank of the item
    loss:      w_ij = 1 / D(d) - 1 / D(d + 1),   d = |p_i - p_j|
    released:  w_ij = 1 / D(d)

`rank` is LambdaRank (Burges, Ragno & Le, "Learning to Rank with Nonsmooth Cost Functions", NIPS
2006), `loss` the bound of LambdaLoss (Wang, Li, Golbandi, Bendersky & Najork, "The LambdaLoss
Framework for Ranking Metric Optimization", CIKM 2018), `released` what the benchmark of SL@K
computes for the latter. With `k`, a rank beyond K gains nothing (`rank`), and a pair with both
beyond K weighs 0 (`loss`, `released`; this reading of "@K" is ours).

Ranks are over all items by the current scores, without a gradient: `ranks=exact` scores all of
them, `sampled` takes p = 1 + floor(#{draws above} (I - 1) / N), which in the published tables loses
30 to 56 %. Every positive gains the same, and the user's ideal DCG does not divide (ours), so that
each row counts alike. Ties take the better rank, and a tied pair weighs 0, or as d = 1. A row
without negatives has no loss. Cost per step: N draws and 2 N dot products a row, and I more and a
sort of I scores with exact ranks.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch

from negbench.ops.count_at_most import count_at_most
from negbench.parts import BPR, Uniform
from negbench.parts.losses.functions import count_unmasked
from negbench.protocol import (
    Card,
    Method,
    Negatives,
    Rows,
    Scores,
    Step,
    check_ranges,
)

CARD = Card(
    title="LambdaRank and LambdaLoss weights on sampled pairs",
    family="ranking",
    authors="Xuanhui Wang, Cheng Li, Nadav Golbandi, Michael Bendersky and Marc Najork",
    year=2018,
    venue="CIKM",
    link="https://doi.org/10.1145/3269206.3271784",
    paper="The LambdaLoss Framework for Ranking Metric Optimization",
    moves=("stages",),
    provenance="specification",
    differs="Pairs are a positive and N drawn items; gains are alike for all positives and not "
    "divided by the ideal DCG.",
    search={
        "weight": ("of", "rank", "loss", "released"),
        "k": ("of", 0, 20),
        "negatives": ("of", 16, 64),
    },
    controls={"lambda_loss(ranks=sampled)": "ranks estimated from the draws"},
)
Weighting = Literal["rank", "loss", "released"]
BLOCK = 1 << 18
"""Scores counted at once: what stays in a processor's cache."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 16
    """N, 1 or more."""
    weight: Weighting = "rank"
    """rank: LambdaRank; loss: LambdaLoss; released: as a later benchmark has it."""
    k: int = 0
    """K of the top K, 0 or more; 0 counts the whole list."""
    ranks: Literal["exact", "sampled"] = "exact"
    """exact: among all items; sampled: estimated from the draws."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1, "k": 0})


@dataclass(frozen=True)
class WeighBySwap:
    """Weigh each negative by what swapping it with the positive changes."""

    weight: Weighting = "rank"
    k: int = 0
    ranks: Literal["exact", "sampled"] = "exact"

    @torch.no_grad()
    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The same negatives with log weights [B, N]."""
        if not negatives.n:
            return negatives
        scores = torch.cat(
            [step.view.score_pair(step.view.positive).unsqueeze(1), step.score(negatives)], 1
        )
        place = exact_ranks(step, scores) if self.ranks == "exact" else None
        if place is None:
            place = sampled_ranks(scores, negatives, step.context.n_items)
        logw = swap_weights(place[:, :1], place[:, 1:], self.weight, self.k).log()
        if negatives.mask is not None:
            logw = logw.masked_fill(~negatives.mask, 0.0)
        return replace(negatives, logw=logw if negatives.logw is None else negatives.logw + logw)


def swap_weights(own: Scores, other: Scores, weight: Weighting, k: int = 0) -> Scores:
    """w of positives at ranks own [B, 1] and negatives at ranks other [B, N], from 1: [B, N]."""
    if weight == "rank":
        gains = [(1 + p).log2().reciprocal() for p in (own, other)]
        if k:
            gains = [g * (p <= k) for g, p in zip(gains, (own, other), strict=True)]
        return (gains[0] - gains[1]).abs()
    d = (own - other).abs().clamp(min=1)
    w = (1 + d).log2().reciprocal()
    if weight == "loss":
        w = w - (2 + d).log2().reciprocal()
    return w * (torch.minimum(own, other) <= k) if k else w


def exact_ranks(step: Step, scores: Scores) -> Scores:
    """Ranks among all items of scores [B, n], from 1 on: [B, n]."""
    view = step.view
    items = view.items if view.through is None else view.through(view.items)
    items, query = view.similarity.prepare(items), view.similarity.query(view.query)
    ranks = torch.empty_like(scores)
    every = torch.arange(len(query), device=query.device)
    for rows in torch.split(every, max(1, BLOCK // len(items))):
        every_score = query[rows] @ items.T
        # A score's own copy may be rounded otherwise: what is that close is not above it.
        greatest = torch.maximum(every_score.amax(1, True), -every_score.amin(1, True))
        edge = scores[rows] + 1e-6 * greatest
        below = count_at_most(every_score, edge)
        ranks[rows] = (1 + len(items) - below).to(scores.dtype)
    view.dots.add(len(query) * len(items), pooled=True)
    return ranks


def sampled_ranks(scores: Scores, negatives: Negatives, n_items: int) -> Scores:
    """Estimated ranks of the positive and its negatives, scores [B, 1 + N] -> [B, 1 + N]."""
    drawn = scores[:, 1:]
    if negatives.mask is not None:
        drawn = drawn.masked_fill(~negatives.mask, -torch.inf)
    n: Rows = count_unmasked(drawn, negatives.mask).clamp(min=1).reshape(-1, 1)
    rising = drawn.sort(1).values
    above = drawn.shape[1] - torch.searchsorted(rising, scores.contiguous(), right=True)
    return 1 + torch.floor(above * (n_items - 1) / n)


def build(config: Config) -> Method:
    """Uniform draws, weighted, with BPR."""
    stage = WeighBySwap(config.weight, config.k, config.ranks)
    return Method(sampler=Uniform(config.negatives), stages=(stage,), objective=BPR())
