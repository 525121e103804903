"""Exact draws of items outside each user's excluded set.

A draw proposes from the plain distribution, redraws the excluded hits a bounded number of times
while they are many, and draws what is left exactly from the conditional distribution; together that
is the distribution restricted to the items allowed, whatever the user. Only a user with no item
left is masked.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.data import membership
from negbench.data.membership import Membership
from negbench.protocol.step import Batch

ROUNDS = 6
"""Redraws before the exact fall-back: with half the catalogue excluded, 1 in 64 is left for it."""
WIDTH = 4096
"""Proposals in a redraw of few hits."""
FEW = 4096
"""So few hits cost a uniform draw more in another round than in the exact fall-back."""
AHEAD = 8
"""Up to so many negatives a row are drawn for the coming steps at once."""
BLOCK = 1 << 22
"""Cells that the fall-back may weigh at once."""


class Proposal(Protocol):
    """A distribution over items, the same for every user."""

    @property
    def few(self) -> int:
        """So many hits are drawn exactly at once, without another round."""
        ...

    @property
    def light(self) -> bool:
        """Whether `remaining` is cheap enough to be called for every cell."""
        ...

    def propose(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Ids of this shape, exclusions ignored."""
        ...

    def remaining(
        self, excluded: Membership, users: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """One allowed id for each of users [n], exactly, and whether there was one, [n] each."""
        ...


def for_batch(
    proposal: Proposal, excluded: Membership, batch: Batch, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """`outside` for a batch's rows, by a proposal and exclusions that no step changes.

    A few negatives cost more in calls than in work, so they are drawn for the coming steps too,
    where these are known, and handed out once: who asks again in a step gets a fresh draw.
    """
    coming, rows = batch.coming, slice(batch.start, batch.start + len(batch))
    if coming is None or n > AHEAD or not coming.holds(batch.users, batch.start):
        return outside(proposal, excluded, batch.users, n, generator)
    by = proposal, n
    ids, mask, given = coming.drawn.get(by) or (
        *outside(proposal, excluded, coming.users, n, generator),
        0,
    )
    if rows.start < given:
        return outside(proposal, excluded, batch.users, n, generator)
    coming.drawn[by] = ids, mask, rows.stop
    return ids[rows], None if mask is None else mask[rows]


def outside(
    proposal: Proposal, excluded: Membership, users: Tensor, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """Draw n items for each of users [B], none of them excluded.

    Returns ids [B, n] and a mask that is False where a user has no item left (None where all have).
    """
    if not membership.host_sync_allowed(users) and proposal.light:
        return _sample_on_device(proposal, excluded, users, n, generator)
    ids = proposal.propose((len(users), n), generator)
    hit = excluded.hits(users, ids)
    flat = ids.view(-1)
    for _ in range(ROUNDS):
        if hit.shape[0] <= proposal.few:
            break
        hit = _resample(proposal, excluded, users, n, flat, hit, generator)
    if not hit.shape[0]:
        return ids, None
    rows = hit if n == 1 else hit // n
    drawn, found = proposal.remaining(excluded, users.index_select(0, rows), generator)
    flat.index_copy_(0, hit, drawn)
    if bool(found.all()):
        return ids, None
    mask = torch.ones_like(flat, dtype=torch.bool)
    mask[hit] = found
    return ids, mask.view_as(ids)


def _sample_on_device(
    proposal: Proposal, excluded: Membership, users: Tensor, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """The same law with every cell treated alike, so that no answer is waited for."""
    ids = proposal.propose((len(users), n), generator)
    for _ in range(ROUNDS):
        hit = excluded.contains(users, ids)
        ids = torch.where(hit, proposal.propose((len(users), n), generator), ids)
    hit = excluded.contains(users, ids)
    rows = users.unsqueeze(1).expand_as(ids).reshape(-1)
    drawn, found = (x.view_as(ids) for x in proposal.remaining(excluded, rows, generator))
    mask = None if excluded.all_have_left else ~hit | found
    return torch.where(hit, drawn, ids), mask


def _resample(
    proposal: Proposal,
    excluded: Membership,
    users: Tensor,
    n: int,
    flat: Tensor,
    hit: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Give each hit the first allowed of some new proposals; the hits that are still excluded.

    The fewer the hits the more proposals each: that takes one pass instead of many small ones.
    """
    tries = max(1, min(16, WIDTH // hit.shape[0]))
    rows = users.index_select(0, hit if n == 1 else hit // n)
    ids = proposal.propose((hit.shape[0], tries), generator)
    allowed = ~excluded.contains(rows, ids)
    first = allowed.to(torch.uint8).argmax(1, keepdim=True)
    flat.index_copy_(0, hit, ids.gather(1, first).squeeze(1))
    return hit[~allowed.any(1)]


@dataclass(frozen=True, eq=False)
class UniformProposal:
    """Every item alike."""

    n_items: int
    device: torch.device
    few = FEW
    light = True

    def propose(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Uniform ids."""
        return torch.randint(self.n_items, shape, generator=generator, device=self.device)

    def remaining(
        self, excluded: Membership, users: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """A uniform rank among the user's allowed items, mapped to its item."""
        free = self.n_items - excluded.sizes.index_select(0, users)
        share = torch.rand(len(users), generator=generator, device=self.device, dtype=torch.float64)
        rank = (share * free).long().clamp_(max=self.n_items - 1)
        found = free > 0
        return excluded.non_member(users, rank).where(found, 0), found

    def logq(self, excluded: Membership) -> Tensor:
        """Log probability of any allowed item, for each user, [U]; 0 where none is left."""
        return -(self.n_items - excluded.sizes).clamp(min=1).to(torch.float32).log()


@dataclass(frozen=True, eq=False)
class WeightedProposal:
    """Items by weight, through an alias table: O(1) a draw (Walker 1977, Vose 1991)."""

    p: Tensor
    """Probability of each item, [I] float64."""
    threshold: Tensor
    alias: Tensor
    few = 0
    light = False

    @classmethod
    def of(cls, weights: Tensor) -> "WeightedProposal":
        """Build from weights [I], at least one of them above 0, none below."""
        p = weights.to(torch.float64)
        total = p.sum()
        if not bool((p >= 0).all()) or not 0 < float(total) < float("inf"):
            raise ValueError("weights must be finite, not negative and not all 0")
        p = p / total
        threshold, alias = alias_table(p.cpu().numpy())
        return cls(
            p, torch.from_numpy(threshold).to(p.device), torch.from_numpy(alias).to(p.device)
        )

    def propose(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Ids by weight."""
        column = torch.randint(len(self.p), shape, generator=generator, device=self.p.device)
        coin = torch.rand(shape, generator=generator, device=self.p.device, dtype=torch.float64)
        return torch.where(coin < self.threshold[column], column, self.alias[column])

    def remaining(
        self, excluded: Membership, users: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Invert the cumulative weights of the user's allowed items, block by block."""
        everything = torch.arange(len(self.p), device=self.p.device)
        size = max(1, BLOCK // len(self.p))
        ids, found = torch.zeros_like(users), torch.zeros_like(users, dtype=torch.bool)
        every = torch.arange(len(users), device=users.device)
        for rows in every.tensor_split(list(range(size, len(every), size))):
            hit = excluded.contains_shared(users[rows], everything)
            cumulative = self.p.expand(len(rows), -1).masked_fill(hit, 0).cumsum(1)
            total = cumulative[:, -1:]
            share = torch.rand(
                total.shape, generator=generator, device=total.device, dtype=total.dtype
            )
            # Strictly above the share: an item of weight 0 adds nothing and is never met.
            at = torch.searchsorted(cumulative, share * total, right=True).squeeze(1)
            found[rows] = total.squeeze(1) > 0
            ids[rows] = at.clamp_(max=len(self.p) - 1)
        return ids.where(found, 0), found

    @property
    def log_p(self) -> Tensor:
        """Log probability of each item before exclusion, [I] float32."""
        return self.p.log().to(torch.float32)

    def log_allowed(self, excluded: Membership) -> Tensor:
        """Log probability that a plain draw is allowed, for each user, [U]; 0 where never."""
        return log_left(excluded_mass(self.p, excluded))


def excluded_mass(p: Tensor, excluded: Membership) -> Tensor:
    """The probability under p [I] of each user's excluded items, [U] float64."""
    users = excluded.keys // excluded.n_items
    mass = torch.zeros(excluded.n_users, dtype=torch.float64, device=p.device)
    return mass.index_add_(0, users, p.to(torch.float64)[excluded.keys % excluded.n_items])


def log_left(mass: Tensor) -> Tensor:
    """Log of 1 minus the excluded mass; 0 where nothing is left but rounding."""
    left = 1 - mass
    return left.where(left > 1e-12, 1.0).log().to(torch.float32)


def alias_table(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vose's construction: a column keeps its own item below `threshold`, else gives its alias."""
    scaled = (p * len(p)).tolist()
    threshold, alias = np.ones(len(p)), np.arange(len(p))
    small = [i for i, share in enumerate(scaled) if share < 1]
    large = [i for i, share in enumerate(scaled) if share >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        threshold[low], alias[low] = scaled[low], high
        scaled[high] -= 1 - scaled[low]
        if scaled[high] < 1:
            small.append(large.pop())
    # What is left over is 1 but for rounding, and keeps its own item.
    return threshold, alias
