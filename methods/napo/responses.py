"""What a preference loss is given in one step, from a view of the policy and one of a copy."""

from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.epoch_means import Averages
from negbench.protocol import Negatives, Step, TrainContext, View

from .neighbour_pools import Pool, pool_of
from .preference_loss import Flags, LogProbs, preference


@dataclass(frozen=True, eq=False)
class Responses:
    """The arguments of `preference`, so that it can be asked twice."""

    policy: LogProbs
    reference: LogProbs | None
    pool: Pool
    gamma: Tensor | float
    mask: Tensor
    """[B, P]."""
    logw: Tensor | None

    def loss(self, flags: Flags) -> Tensor:
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
    def tell(self, flags: Flags, averages: Averages) -> None:
        """How far a neighbour's log-probabilities are from the row's own, and what it matters."""
        if self.policy.pooled is None:
            return
        own = self.policy.negative.shape[1]
        gap = (self.pool.take(self.policy.negative) - self.policy.pooled)[:, own:].abs()
        averages.add("share_gap", gap[self.mask[:, own:]])
        for share in ("approx", "exact"):
            averages.add(f"loss_{share}", self.loss(Flags(**{**asdict(flags), "share": share})))


def whose(
    step: Step,
    still: View | None,
    negatives: Negatives,
    rho: float,
    size: int,
    similarity: Literal["dot", "cosine"],
) -> Pool:
    """Whose negatives each row takes, by the copy's queries; groups are dealt without sharing too.

    Raises UserError where negatives are not items of each row's own.
    """
    if not rho or still is None:
        return pool_of(step.view.query, 0.0, size)
    if negatives.ids is None or negatives.shared:
        raise UserError(
            "sharing needs negatives of each row's own, as items; set napo(rho=0) beside a source "
            "of one pool for all rows or of made-up vectors"
        )
    return pool_of(still.query, rho, size, similarity)


def usable(step: Step, pool: Pool, ids: Tensor | None, negatives: Negatives, hide: bool) -> Tensor:
    """Which responses of each pool count, [B, P]; with `hide` not those that the user has met."""
    size = len(step.batch), negatives.n
    own = torch.ones(size, dtype=torch.bool, device=step.view.query.device)
    if negatives.mask is not None:
        own = negatives.mask.expand(size)
    mask = pool.usable(own)
    if ids is None or not hide:
        return mask
    met = step.context.excluded.contains(step.batch.users, ids)
    return mask & ~met & (ids != step.batch.items.unsqueeze(1))


def scored(view: View, negatives: Negatives, dealt: Tensor | None = None) -> Tensor:
    """The scores of a step's negatives by another view, [B, K]; `dealt` [I] takes other items'."""
    if negatives.ids is None:
        assert negatives.vectors is not None
        what = negatives.vectors
    else:
        what = negatives.ids if dealt is None else dealt[negatives.ids]
    return view.score_shared(what) if negatives.shared else view.score_rows(what)


def shuffled(context: TrainContext) -> Tensor:
    """Every item's stand-in in the control, [I]: one deal for the whole run."""
    generator = rng.stream(context.seed, "shuffled", device=context.device)
    return torch.randperm(context.n_items, generator=generator, device=context.device)
