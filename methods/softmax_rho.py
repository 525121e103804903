"""Softmax-weighted BPR: negatives weighted by the softmax of their own loss, within a KL ball.

    L = sum_j w_j l_j,   l_j = softplus(s_j - s_i),   w = softmax_j(l_j / tau - log q_j)
    tau = sqrt(Var_j(l) / (2 rho))

Softmax(rho, N) of Shi, Chen, Feng, Zhang, Wu, Gao & He, "On the Theories Behind Hard Negative
Sampling for Recommendation", WWW 2023 (arXiv 2302.03472), the soft twin of `dns_mn`: to second
order w solves max_p sum_j p_j l_j within KL(p || u) <= rho, which is a soft one-way partial AUC.
rho = 0 is the mean over all N draws, infinity is the hardest alone, as `dns` takes it. The larger
rho, the shorter the list that counts. w has no gradient, and tau is each row's own: scores that
spread wider are not weighted more sharply.

The variance is that of a sample, 1 / (N - 1). A row whose losses are all equal, and one with one
negative, weighs them alike. q is the sampler's, where it is known: under uniform draws it cancels.
The weights are those of BPR whatever the recipe's objective. The released code sums over the
batch; ours averages. Cost per step: N draws and 2 N dot products a row, N of them with gradient.
"""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from negbench.parts import BPR, Uniform
from negbench.parts.losses.functions import count_unmasked, masked_score
from negbench.protocol import Card, Mask, Method, Negatives, Rows, Scores, Step, check_ranges

CARD = Card(
    title="Softmax-weighted BPR, Softmax(rho, N)",
    family="dynamic",
    authors="Wentao Shi, Jiawei Chen, Fuli Feng, Jizhi Zhang, Junkang Wu, Chongming Gao and"
    " Xiangnan He",
    year=2023,
    venue="WWW",
    link="https://arxiv.org/abs/2302.03472",
    paper="On the Theories Behind Hard Negative Sampling for Recommendation",
    moves=("stages",),
    provenance="specification",
    differs="32 draws by default instead of 200; rows are averaged, not summed; positives are "
    "never drawn.",
    search={"rho": ("log", 0.01, 100.0), "negatives": ("of", 16, 32, 64, 200)},
    controls={"softmax_rho(rho=0)": "the mean over the same draws"},
    presets={"released": {"negatives": 200, "rho": 1.0}},
)

SHARPEST = 1e25
"""Upper bound of 1 / tau, so that its products with losses stay in the range of floats."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 32
    """N, 1 or more; 200 in the paper."""
    rho: float = 1.0
    """Squared sharpness of the weights, 0 or more; 1 released. 0 weighs all alike."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1, "rho": 0})


@dataclass(frozen=True)
class WeighByLoss:
    """Weigh each negative by the softmax of its BPR loss; the weights of a row sum to its N."""

    rho: float

    @torch.no_grad()
    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The same negatives with log weights [B, N]."""
        if not negatives.n:
            return negatives
        s_neg = step.score(negatives)
        s_pos = step.view.score_pair(step.view.positive)
        losses, mask = F.softplus(s_neg - s_pos.unsqueeze(1)), negatives.mask
        losses = losses.to(torch.promote_types(losses.dtype, torch.float32))  # halves overflow
        n = count_unmasked(losses, mask).clamp(min=1)
        z = losses * sharpness(losses, mask, self.rho).unsqueeze(1)
        if negatives.logq is not None:
            z = z - negatives.logq
        if mask is not None:
            z = z.masked_fill(~mask, masked_score(z.dtype))
        logw = z.log_softmax(1) + n.log().reshape(-1, 1)
        if mask is not None:
            logw = logw.masked_fill(~mask, 0.0)
        base = negatives.logw
        return replace(negatives, logw=logw if base is None else base + logw)


def sharpness(losses: Scores, mask: Mask | None, rho: float) -> Rows:
    """1 / tau of each row's losses [B, N], [B]; 0 where they do not vary."""
    n = count_unmasked(losses, mask)
    inside = torch.ones_like(losses) if mask is None else mask.to(losses.dtype)
    mean = (losses * inside).sum(1) / n.clamp(min=1)
    squares = ((losses - mean.unsqueeze(1)).square() * inside).sum(1)
    variance = squares / (n - 1).clamp(min=1)
    # Below rounding the losses are equal, and their order is noise.
    varies = variance > (mean * torch.finfo(losses.dtype).eps).square() * 4
    each: Rows = variance.where(varies, 1.0).rsqrt() * math.sqrt(2 * rho)
    sharpness: Rows = each.clamp(max=SHARPEST).where(varies, 0.0)
    return sharpness


def build(config: Config) -> Method:
    """Uniform draws, weighted, with BPR."""
    return Method(
        sampler=Uniform(config.negatives), stages=(WeighByLoss(config.rho),), objective=BPR()
    )
