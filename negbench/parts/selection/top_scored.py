"""Stages that keep the top-scored candidates (hard negatives), or reweigh the negatives."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from negbench.ops.masked_fill import count_true, masked_fill_
from negbench.ops.top_k import at_rank, top_unordered
from negbench.protocol import Ids, Mask, Negatives, Scores, Step


@dataclass(frozen=True)
class TopM:
    """Keep the m top-scored candidates of each row, or one of them drawn uniformly."""

    m: int = 1
    keep: Literal["all", "one"] = "all"

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, M] or shared [K] -> [B, m], or [B, 1] where `keep` is one."""
        if not negatives.n:
            return negatives
        scores = step.scores_no_grad(negatives)
        m = min(self.m, scores.shape[1])
        if m == 1:
            return negatives.take(scores.argmax(1, keepdim=True))
        if self.keep == "all":
            return negatives.take(top_unordered(scores, m))
        mask = None if negatives.mask is None else negatives.mask.expand_as(scores)
        return negatives.take(one_of_best(scores, m, step.generator, mask))


@dataclass(frozen=True)
class Weigh:
    """Multiply the weight of every negative by one factor above 0."""

    factor: float

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The same negatives, each counting `factor` times as much."""
        base = negatives.logw
        if base is None:
            base = step.view.query.new_zeros(len(step.batch), negatives.n)
        return replace(negatives, logw=base + math.log(self.factor))


def one_of_best(
    scores: Scores, k: int, generator: torch.Generator, mask: Mask | None = None
) -> Ids:
    """Column of one of the k greatest unmasked scores of each row [B, N], uniform: int64 [B, 1].

    Where fewer are unmasked it is one of these, where none is, any. Overwrites `scores`.
    """
    many: Tensor | int = k
    if mask is not None:
        many, scores = count_true(mask).clamp_(1, k), masked_fill_(scores, mask, -torch.inf)
    share = torch.rand(len(scores), device=scores.device, generator=generator)
    return at_rank(scores, (share * many).long().clamp_(max=k - 1), k)  # masked ones rank last
