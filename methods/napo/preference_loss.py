"""Preference losses over log-probabilities as one pure function with flags.

    L = softplus( log sum_{d in P} exp( beta (r_d - r_p) + gamma_d ) ),   r = log pi [- log pi_ref]

A row prefers its positive p to every response d of its pool P: its own K negatives, and those of
its neighbours (`neighbour_pools.py`). Written so, without a quotient of exponentials, it is finite
at any log-probability. Settings, each a test: DPO {reference, K = 1}; S-DPO {reference}; SimPO {no
reference, K = 1, fixed gamma, responses of one token}; NAPO {no reference, shared, gamma by batch};
softmax over positive and negatives {no reference, beta = 1, gamma = 0}; DMPO {reference, `mean`}.
"""

from dataclasses import dataclass, fields
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.parts.losses.functions import masked_score
from negbench.protocol import AnyShape, Mask, Rows, Scores, check_ranges

from .neighbour_pools import Pool


@dataclass(frozen=True)
class Flags:
    """Settings of the loss; each paper's loss is one combination of them."""

    reference: Literal["off", "sft"] = "off"
    """off: rewards are log-probabilities; sft: their gain over a frozen policy."""
    beta: float = 1.0
    """Inverse temperature of the rewards, above 0."""
    rho: float = 0.0
    """Share of the other rows of a group whose negatives a row uses too, 0 to 1."""
    share: Literal["approx", "exact"] = "approx"
    """A shared response under the neighbour's prompt, as published, or under the row's own."""
    margin: Literal["off", "fixed", "batch", "per_negative"] = "off"
    """gamma: none, one number, one a group by how likely its pool is, or one a response."""
    gamma: float = 1.0
    """The margin before any adaptation, 0 or more."""
    alpha: float = 0.3
    """How much a likely pool lowers the margin, 0 or more."""
    clamp: bool = True
    """Keep an adapted margin from 0 to 2 `gamma`."""
    grad_negatives: bool = True
    """Whether negatives get a gradient; False as in the released code for shared ones."""
    mask_false: bool = True
    """Leave out a shared response that the row's own user has met."""
    aggregate: Literal["lse", "mean"] = "lse"
    """Log of the sum over the pool, or its mean (DMPO)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        check_ranges(self, above={"beta": 0}, between={"rho": (0, 1)})
        if not self.alpha >= 0:
            raise ValueError(f"`alpha` must be 0 or more; got {self.alpha}")
        if not self.gamma >= 0:
            raise ValueError(f"`gamma` must be 0 or more; got {self.gamma}")

    @property
    def needs_frozen(self) -> bool:
        """Whether a frozen policy is read: as reference, for similarity or for the margin."""
        return self.reference == "sft" or self.rho > 0 or self.margin in ("batch", "per_negative")

    @property
    def needs_partition(self) -> bool:
        """Whether log Z counts; else it cancels, and raw scores give the same loss."""
        return self.rho > 0 or not self.grad_negatives


FLAGS = frozenset(field.name for field in fields(Flags))


@dataclass(frozen=True, eq=False)
class LogProbs:
    """Log-probabilities of a step's responses, up to a constant a row where that cancels."""

    positive: Tensor
    """log pi(p_u | x_u), [B]."""
    negative: Tensor
    """log pi(n_uk | x_u), [B, K]."""
    pooled: Tensor | None = None
    """log pi(n | x_u) of the whole pool under the row's own prompt, [B, P]: exact sharing."""

    def over(self, reference: "LogProbs | None") -> "LogProbs":
        """The gain over a reference: a DPO reward but for beta."""
        if reference is None:
            return self
        pooled = None
        if self.pooled is not None and reference.pooled is not None:
            pooled = self.pooled - reference.pooled
        return LogProbs(
            self.positive - reference.positive, self.negative - reference.negative, pooled
        )


def preference(
    flags: Flags,
    policy: LogProbs,
    reference: LogProbs | None = None,
    pool: Pool | None = None,
    *,
    gamma: AnyShape | float = 0.0,
    mask: Mask | None = None,
    logw: Scores | None = None,
) -> Rows:
    """The loss of each row, [B].

    `gamma` is one number, [B] or [B, P]; `mask` [B, P] is False for responses that are left out,
    `logw` [B, P] their log weight. A row without responses has the loss 0. Raises ValueError for
    exact sharing without the pool's log-probabilities.
    """
    gain = policy.over(reference if flags.reference == "sft" else None)
    terms = pool_gains(flags, gain, pool)
    if not flags.grad_negatives:
        terms = terms.detach()
    margin = torch.as_tensor(gamma, dtype=terms.dtype, device=terms.device)
    margin = margin.unsqueeze(1) if margin.dim() == 1 else margin
    return row_loss(gain.positive, terms, flags.beta, margin, mask, logw, flags.aggregate)


def pool_gains(flags: Flags, gain: LogProbs, pool: Pool | None) -> Scores:
    """Gains of the pool's responses, own negatives first, [B, P].

    Raises ValueError for exact sharing without the pool's log-probabilities.
    """
    if pool is None or not pool.shares:
        return gain.negative
    if flags.share == "approx":
        return pool.take(gain.negative)
    if gain.pooled is None:
        raise ValueError("exact sharing needs the pool's log-probs under each row's own prompt")
    own = gain.negative.shape[1]
    return torch.cat([gain.negative, gain.pooled[:, own:]], 1)


def row_loss(
    positive: Rows,
    terms: Scores,
    beta: float,
    margin: AnyShape,
    mask: Mask | None,
    logw: Scores | None,
    aggregate: str,
) -> Rows:
    """softplus of the pool's log mass, or of its mean, against the positive: [B], [B, P] -> [B]."""
    gap = beta * (terms - positive.unsqueeze(1)) + margin
    if not gap.shape[1]:
        return torch.zeros_like(positive)
    if aggregate == "mean":
        weight = torch.ones_like(gap) if logw is None else logw.exp().expand_as(gap)
        weight = weight if mask is None else weight * mask
        total = weight.sum(1)
        mean = (gap.masked_fill(weight == 0, 0.0) * weight).sum(1) / total.clamp(min=1e-12)
        return F.softplus(mean).masked_fill(total == 0, 0.0)
    least = masked_score(gap.dtype)
    gap = gap if logw is None else (gap + logw).clamp(min=least)
    gap = gap if mask is None else gap.masked_fill(~mask, least)
    return F.softplus(torch.logsumexp(gap, 1))
