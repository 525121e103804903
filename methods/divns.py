"""DivNS: hard negatives mixed with diverse ones, from a cache of each user's runners-up.

    e- = lambda e_j + (1 - lambda) mean_{d in S} e_d,   j = argmax_{c in C} s(u, c)
    S = k items of the user's cache, chosen one by one: the largest part outside span(e_j, S)

Xuan, Sokol, Sanderson & Chan, "Diversity-Augmented Negative Sampling for Implicit Collaborative
Filtering", 2025 (arXiv 2508.14468). Of M uniform candidates the best scored is the hard negative,
as in `dns`; the R next ones go into the user's cache of C items, the newest first. From it comes a
set that differs from the hard negative and within itself, so that the user's negatives cover more
of the catalogue at no draw more. lambda = 1 is `dns`.

What is ours: the paper samples S by a determinantal process given j; here S is the greedy mode of
that process for cosines (`choice=greedy`), without its randomness. `choice=near` takes the items
nearest to j, as the released choice of the smallest distances does; `choice=any` takes any k, the
control for what is owed to diversity. The size of cache and of S are not known of the paper. The
recorded id, and the L2 penalty, are of the hard negative; a row without a diverse item has the hard
one alone. Cost per step: M dot products, and k products with C vectors, a row; state of C ids a
user.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F

from negbench.parts import BPR, Uniform
from negbench.parts.requirements import ids_of
from negbench.protocol import (
    Card,
    Feedback,
    Ids,
    Mask,
    Method,
    Negatives,
    NegativeVectors,
    Rows,
    Scores,
    Step,
    TrainContext,
    Vectors,
    check_ranges,
)

CARD = Card(
    title="DivNS: diversity-augmented negative sampling",
    family="dynamic",
    authors="Yueqing Xuan, Kacper Sokol, Mark Sanderson and Jeffrey Chan",
    year=2025,
    venue="arXiv",
    link="https://arxiv.org/abs/2508.14468",
    paper="Diversity-Augmented Negative Sampling for Implicit Collaborative Filtering",
    moves=("stages",),
    provenance="specification",
    differs="The diverse set is the greedy mode of the determinantal process, not a draw of it.",
    presets={"released": {"candidates": 10, "runners": 5, "lam": 0.8, "choice": "near"}},
    search={
        "lam": ("of", 0.5, 0.7, 0.9),
        "candidates": ("of", 8, 10, 20),
        "cache": ("of", 10, 20, 40),
    },
    controls={
        "divns(lam=1)": "hard negatives alone",
        "divns(choice=any)": "any items of the cache, not diverse ones",
        "divns(choice=near)": "items of the cache like the hard one, as in the released code",
    },
)
TINY = 1e-6
"""A vector with less than this outside a span, of unit length, is in it: nothing new."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 10
    """M, 2 or more; 10 in the released code."""
    runners: int = 5
    """R, 1 to M - 1: how many go into the cache; 5 in the released code."""
    cache: int = 20
    """C, `runners` or more."""
    diverse: int = 3
    """k, 1 to `cache`."""
    lam: float = 0.7
    """lambda, the hard item's share, 0 to 1; .5 or .7 in the paper, .8 in the released code."""
    choice: Literal["greedy", "near", "any"] = "greedy"
    """How the set is chosen from the cache; near and any are controls."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, between={"lam": (0, 1), "diverse": (1, self.cache)})
        if not 1 <= self.runners < self.candidates:
            raise ValueError(
                "`runners` must be at least 1 and below `candidates`; got "
                f"{self.runners} of {self.candidates}"
            )
        if not self.runners <= self.cache:
            raise ValueError(
                f"`cache` must hold `runners`; got cache={self.cache} and runners={self.runners}"
            )


class Diversify:
    """Stage: the best candidate, mixed with a diverse set of the user's earlier runners-up."""

    def __init__(self, config: Config) -> None:
        """The cache is built in `begin`."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: an empty cache, [U, C] of -1."""
        size = context.n_users, self.config.cache
        self.cached = torch.full(size, -1, dtype=torch.int32, device=context.device)
        self.pending: tuple[Rows, Ids] | None = None

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """One mixed negative, [B, 1, D], from candidates [B, M] or shared [K]."""
        if not negatives.n:
            return negatives
        config, view, users = self.config, step.view, step.batch.users
        ids, scores = ids_of(step, negatives, "divns"), step.scores_no_grad(negatives)
        best, at = scores.topk(min(config.runners + 1, negatives.n), 1)
        hard = negatives.take(at[:, :1])
        runners = ids.gather(1, at[:, 1:]).masked_fill(best[:, 1:].isneginf(), -1)
        pool = torch.cat([runners, self.cached[users].long()], 1)[:, : config.cache]
        self.pending = users, pool
        chosen, there = self.choose(step, hard.row_ids(len(users)), pool)
        mixed = view.rows(hard.row_ids(len(users)), penalised=True)
        share = there.to(mixed) / there.sum(1, keepdim=True).clamp(min=1)
        diverse = (view.rows(chosen) * share.unsqueeze(-1)).sum(1, keepdim=True)
        lam = torch.where(there.any(1), config.lam, 1.0).view(-1, 1, 1)
        return replace(hard, vectors=lam * mixed + (1 - lam) * diverse, named=True)

    @torch.no_grad()
    def choose(self, step: Step, hard: Ids, pool: Ids) -> tuple[Ids, Mask]:
        """Ids of the set [B, k] from each row's pool [B, C], and which of them are there."""
        usable, ids = pool >= 0, pool.clamp(min=0)
        k = min(self.config.diverse, pool.shape[1])
        if self.config.choice == "any":
            worth = torch.rand(pool.shape, generator=step.generator, device=pool.device)
            at, there = _greatest(worth, usable, k)
        else:
            rows = F.normalize(step.view.rows(torch.cat([hard, ids], 1)).detach(), dim=-1)
            first, others = rows[:, 0], rows[:, 1:]
            if self.config.choice == "near":
                near = (others * first.unsqueeze(1)).sum(-1)
                at, there = _greatest(near, usable, k)
            else:
                at, there = outside_span(first, others, usable, k)
        return ids.gather(1, at), there

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: keep the new caches; of a user's rows the last one counts."""
        del feedback
        if self.pending is None:
            return
        users, pool = self.pending
        rows = torch.arange(len(users), device=users.device)
        last = torch.full((len(self.cached),), -1, device=users.device)
        last.scatter_reduce_(0, users, rows, "amax")
        kept = last[users] == rows
        self.cached[users[kept], : pool.shape[1]] = pool[kept].to(self.cached.dtype)
        self.pending = None

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the caches."""
        return {"cached": self.cached}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the caches."""
        self.cached.copy_(state["cached"])


def _greatest(worth: Scores, usable: Mask, k: int) -> tuple[Ids, Mask]:
    """Places of the k greatest usable values of each row, and which are usable, [B, k] each."""
    best, at = worth.masked_fill(~usable, -torch.inf).topk(k, 1)
    return at, best.isfinite()


def outside_span(first: Vectors, others: NegativeVectors, usable: Mask, k: int) -> tuple[Ids, Mask]:
    """k of the unit vectors others [B, C, D], one by one the greatest part outside the span.

    The span is of `first` [B, D] and those already chosen: the greedy mode of a determinantal
    process with their products as kernel. Returns places, and which are new: [B, k] each.
    """
    residual, direction, places, there = others, first, [], []
    for _ in range(k):
        along = torch.einsum("bcd,bd->bc", residual, direction).unsqueeze(-1)
        residual = residual - along * direction.unsqueeze(1)
        length = torch.linalg.vector_norm(residual, dim=-1).masked_fill(~usable, -1.0)
        most, at = length.max(1, keepdim=True)
        chosen = residual.gather(1, at.unsqueeze(-1).expand(-1, -1, residual.shape[-1])).squeeze(1)
        direction = F.normalize(chosen, dim=-1)
        places.append(at)
        there.append(most > TINY)
    return torch.cat(places, 1), torch.cat(there, 1)


def build(config: Config) -> Method:
    """The hardest of M uniform draws mixed with diverse ones, with BPR."""
    return Method(sampler=Uniform(config.candidates), stages=(Diversify(config),), objective=BPR())
