"""Importance-weighted BPR: draws of any sampler, weighted into the softmax of the model's scores.

    L = sum_j w_j softplus(s_j - s_i),   w = softmax_j(s_j - log q_j)
    rank: L times 1 + 1/2 + ... + 1/(r - 1),   r = floor(#{j: s_j > s_i} (I - 1) / N)

PRIS of Lian, Liu & Chen, "Personalized Ranking with Importance Sampling", WWW 2020:
self-normalised importance sampling. Whatever the sampler's q, the weighted sum tends to the mean
of BPR over j ~ softmax(s) as N grows: hard negatives without a search. With all items under a
uniform q the weights are that softmax itself; N = 1 is the sampler alone, `random` here. A constant
on scores or log q cancels. w has no gradient. With few draws the estimate is biased towards q.

q is the sampler's, outside each user's exclusion; where it is not known, as after a selection,
draws count alike. `rank=true` is the paper's weight of a row by the estimated rank of its positive:
0 up to rank 1, so that what ranks first learns no more. Compose it with another sampler:
`popularity(negatives=32)+snis`. The released uniform proposal may draw positives, and its loss sums
over the batch; ours averages. Cost per step: N draws and 2 N dot products a row, N of them with
gradient.
"""

from dataclasses import dataclass, replace

import torch

from negbench.parts import BPR, Uniform
from negbench.parts.losses.functions import count_unmasked, masked_score
from negbench.protocol import (
    Card,
    ItemValues,
    Method,
    Negatives,
    Rows,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="PRIS: importance-weighted BPR",
    family="dynamic",
    authors="Defu Lian, Qi Liu and Enhong Chen",
    year=2020,
    venue="WWW",
    link="https://doi.org/10.1145/3366423.3380187",
    paper="Personalized Ranking with Importance Sampling",
    moves=("stages",),
    provenance="specification",
    differs="Positives are never drawn; rows are averaged, not summed.",
    search={"negatives": ("of", 5, 16, 32, 64), "rank": ("of", False, True)},
    presets={"released": {"negatives": 5}},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 5
    """N, 1 or more; 5 released."""
    rank: bool = False
    """Whether a row weighs by the estimated rank of its positive; optional in the paper."""

    def __post_init__(self) -> None:
        """Check the range. Raises ValueError for a value outside it."""
        check_ranges(self, at_least={"negatives": 1})


class ImportanceWeights:
    """Weigh each negative by its score over its proposal; the weights of a row sum to its N."""

    def __init__(self, rank: bool = False) -> None:
        """`rank` says whether rows weigh by the rank of their positive."""
        self.rank = rank

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the harmonic numbers up to the number of items."""
        self.harmonic = harmonic_numbers(context)

    @torch.no_grad()
    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The same negatives with log weights [B, N], and perhaps row weights [B]."""
        if not negatives.n:
            return negatives
        z, mask = step.score(negatives), negatives.mask
        row_weight = self.row_weight(step, z, negatives) if self.rank else negatives.row_weight
        n = count_unmasked(z, mask).clamp(min=1)
        if negatives.logq is not None:
            z = z - negatives.logq
        if mask is not None:
            z = z.masked_fill(~mask, masked_score(z.dtype))
        logw = z.log_softmax(1) + n.log().reshape(-1, 1)
        if mask is not None:
            logw = logw.masked_fill(~mask, 0.0)
        if negatives.logw is not None:
            logw = negatives.logw + logw
        return replace(negatives, logw=logw, row_weight=row_weight)

    def row_weight(self, step: Step, s_neg: Scores, negatives: Negatives) -> Rows:
        """The harmonic number below the estimated rank of each row's positive, [B]."""
        s_pos = step.view.score_pair(step.view.positive)
        above = s_neg > s_pos.unsqueeze(1)
        if negatives.mask is not None:
            above &= negatives.mask
        n = count_unmasked(s_neg, negatives.mask).clamp(min=1)
        # In whole numbers: a quotient of floats may fall just below its rank.
        ranks = above.sum(1) * (step.context.n_items - 1) // n.long()
        weight = self.harmonic[(ranks - 1).clamp(min=0)]
        return weight if negatives.row_weight is None else weight * negatives.row_weight


def harmonic_numbers(context: TrainContext) -> ItemValues:
    """1 + 1/2 + ... + 1/n for n from 0 to I - 1, [I]."""
    terms = torch.arange(context.n_items, dtype=torch.float64).clamp(min=1).reciprocal()
    terms[0] = 0
    return terms.cumsum(0).to(context.device, torch.float32)


def build(config: Config) -> Method:
    """Uniform draws, weighted, with BPR."""
    return Method(
        sampler=Uniform(config.negatives),
        stages=(ImportanceWeights(config.rank),),
        objective=BPR(),
    )
