"""Inputs of the preference loss in one step, from the policy's view and the frozen copy's."""

from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.epoch_means import EpochMeans
from negbench.protocol import (
    Ids,
    ItemValues,
    Mask,
    Negatives,
    Rows,
    Scores,
    Step,
    TrainContext,
    View,
)

from .neighbour_pools import Pool, pool_of
from .preference_loss import Flags, LogProbs, preference


@dataclass(frozen=True, eq=False)
class Responses:
    """The arguments of `preference`, which a logged step evaluates under several flags."""

    policy: LogProbs
    reference: LogProbs | None
    pool: Pool
    gamma: Tensor | float
    mask: Tensor
    """[B, P]."""
    logw: Tensor | None

    def loss(self, flags: Flags) -> Rows:
        """The loss of each row, [B]."""
        return preference(
            flags,
            self.policy,
            self.reference,
            self.pool,
            gamma=self.gamma,
            mask=self.mask,
            logw=self.logw,
        )

    @torch.no_grad()
    def log_sharing_error(self, flags: Flags, averages: EpochMeans) -> None:
        """Log the error of shared log-probabilities, and the loss with and without it."""
        if self.policy.pooled is None:
            return
        own = self.policy.negative.shape[1]
        gap = (self.pool.take(self.policy.negative) - self.policy.pooled)[:, own:].abs()
        averages.add("share_gap", gap[self.mask[:, own:]])
        for share in ("approx", "exact"):
            averages.add(f"loss_{share}", self.loss(Flags(**{**asdict(flags), "share": share})))


def sharing_pool(
    step: Step,
    frozen: View | None,
    negatives: Negatives,
    rho: float,
    size: int,
    similarity: Literal["dot", "cosine"],
) -> Pool:
    """The pool of each row by similarity of the frozen copy's queries; rho 0 only groups the rows.

    Raises UserError if negatives are not items of each row's own.
    """
    if not rho or frozen is None:
        return pool_of(step.view.query, 0.0, size)
    if negatives.record_ids is None or negatives.shared:
        raise UserError(
            "sharing needs negatives of each row's own, as items; set napo(rho=0) beside a sampler "
            "of one pool for all rows or of synthesised vectors"
        )
    return pool_of(frozen.query, rho, size, similarity)


def response_mask(
    step: Step, pool: Pool, ids: Ids | None, negatives: Negatives, hide: bool
) -> Mask:
    """Mask of the responses of each pool, [B, P]; with `hide` without the user's own items."""
    size = len(step.batch), negatives.n
    own = torch.ones(size, dtype=torch.bool, device=step.view.query.device)
    if negatives.mask is not None:
        own = negatives.mask.expand(size)
    mask = pool.usable(own)
    if ids is None or not hide:
        return mask
    seen = step.context.excluded.contains(step.batch.users, ids)
    return mask & ~seen & (ids != step.batch.items.unsqueeze(1))


def negative_scores(
    view: View, negatives: Negatives, permutation: ItemValues | None = None
) -> Scores:
    """Scores of a step's negatives by another view, [B, K]; `permutation` [I] replaces items."""
    ids = negatives.record_ids
    if ids is None:
        assert negatives.vectors is not None
        rows = negatives.vectors
    else:
        rows = ids if permutation is None else permutation[ids]
    return view.score_shared(rows) if negatives.shared else view.score_rows(rows)


def item_permutation(context: TrainContext) -> ItemValues:
    """The item that replaces each item in the control, [I]: one permutation for the run."""
    generator = rng.stream(context.seed, "shuffled", device=context.device)
    return torch.randperm(context.n_items, generator=generator, device=context.device)
