"""Exact rejection sampling of items outside each user's excluded set.

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
from negbench.errors import UserError
from negbench.ops.axes import AnyShape, Ids, ItemValues, Mask, Rows, UserValues
from negbench.protocol.step import Batch, BatchChunk

ROUNDS = 6
"""Rounds of redraws before exact sampling: with half the catalogue excluded, 1 in 64 is left."""
WIDTH = 4096
"""Proposals in a round that redraws few rejected draws."""
FEW = 4096
"""Below this many rejected draws, exact sampling is faster than another round."""
DRAWS = 1 << 28
"""Ids of a step at most: 2 GiB of them, and more for their scores."""
PREFETCH = 8
"""Up to this many negatives a row are drawn for a whole chunk of batches at once."""
BLOCK = 1 << 22
"""Users x items that exact sampling weighs at once."""


class Proposal(Protocol):
    """A distribution over items, the same for every user."""

    @property
    def resample_below(self) -> int:
        """Below this many rejected draws, exact sampling is faster than another round."""
        ...

    @property
    def cheap_exact(self) -> bool:
        """Whether `sample_exact` is cheap enough to be called for every cell."""
        ...

    def propose(self, shape: tuple[int, ...], generator: torch.Generator) -> AnyShape:
        """Item ids of this shape, exclusions ignored."""
        ...

    def sample_exact(
        self, excluded: Membership, users: Rows, generator: torch.Generator
    ) -> tuple[Rows, Rows]:
        """One allowed item for each of users [n], exactly, and whether there is one, [n] each."""
        ...


class Prefetch:
    """n draws a row from a fixed proposal outside fixed exclusions, a chunk of batches at a time.

    A few negatives a row cost more in calls than in work, so they are drawn for all rows of the
    chunk that a batch is a slice of, and each is handed out once. The buffer holds one chunk.
    """

    def __init__(self, proposal: Proposal, n: int) -> None:
        """Start with an empty buffer."""
        self.proposal, self.n = proposal, n
        self.chunk: BatchChunk | None = None

    def sample(
        self, excluded: Membership, batch: Batch, generator: torch.Generator
    ) -> tuple[Ids, Mask | None]:
        """`sample_outside` for the rows of a batch: ids [B, n] and the mask, None where all True.

        A second call in a step, and a batch with other users than its chunk's, get a fresh draw.
        Raises UserError for a step of more than `DRAWS` ids, before it fills the memory.
        """
        if len(batch) * self.n > DRAWS:
            raise UserError(
                f"a step draws at most {DRAWS:,} ids; got {len(batch):,} rows x {self.n:,} draws; "
                "take fewer candidates or negatives, or a smaller batch"
            )
        chunk, n, rows = batch.chunk, self.n, slice(batch.start, batch.start + len(batch))
        if chunk is None or n > PREFETCH or not chunk.owns(batch.users, batch.start):
            return sample_outside(self.proposal, excluded, batch.users, n, generator)
        if self.chunk is not chunk:
            draws = sample_outside(self.proposal, excluded, chunk.users, n, generator)
            (self.ids, self.mask), self.chunk, self.used = draws, chunk, 0
        if rows.start < self.used:
            return sample_outside(self.proposal, excluded, batch.users, n, generator)
        self.used = rows.stop
        return self.ids[rows], None if self.mask is None else self.mask[rows]


def sample_outside(
    proposal: Proposal, excluded: Membership, users: Rows, n: int, generator: torch.Generator
) -> tuple[Ids, Mask | None]:
    """Draw n items for each of users [B], none of them excluded.

    Returns ids [B, n] and a mask that is False where a user has no item left (None where all have).
    """
    if not membership.host_sync_allowed(users) and proposal.cheap_exact:
        return _sample_on_device(proposal, excluded, users, n, generator)
    ids = proposal.propose((len(users), n), generator)
    hit = excluded.hits(users, ids)
    flat = ids.view(-1)
    for _ in range(ROUNDS):
        if hit.shape[0] <= proposal.resample_below:
            break
        hit = _resample(proposal, excluded, users, n, flat, hit, generator)
    if not hit.shape[0]:
        return ids, None
    rows = hit if n == 1 else hit // n
    exact, allowed = proposal.sample_exact(excluded, users.index_select(0, rows), generator)
    flat.index_copy_(0, hit, exact)
    if bool(allowed.all()):
        return ids, None
    mask = torch.ones_like(flat, dtype=torch.bool)
    mask[hit] = allowed
    return ids, mask.view_as(ids)


def _sample_on_device(
    proposal: Proposal, excluded: Membership, users: Tensor, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """The same distribution with all cells treated alike, so that the host waits for nothing."""
    ids = proposal.propose((len(users), n), generator)
    for _ in range(ROUNDS):
        hit = excluded.contains(users, ids)
        ids = torch.where(hit, proposal.propose((len(users), n), generator), ids)
    hit = excluded.contains(users, ids)
    rows = users.unsqueeze(1).expand_as(ids).reshape(-1)
    exact, allowed = (x.view_as(ids) for x in proposal.sample_exact(excluded, rows, generator))
    mask = None if excluded.all_have_left else ~hit | allowed
    return torch.where(hit, exact, ids), mask


def _resample(
    proposal: Proposal,
    excluded: Membership,
    users: Tensor,
    n: int,
    flat: Tensor,
    hit: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Replace each rejected draw by the first allowed of some proposals; returns those still hit.

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
    """The uniform distribution over the catalogue."""

    n_items: int
    device: torch.device
    resample_below = FEW
    cheap_exact = True

    def propose(self, shape: tuple[int, ...], generator: torch.Generator) -> AnyShape:
        """Uniform item ids."""
        return torch.randint(self.n_items, shape, generator=generator, device=self.device)

    def sample_exact(
        self, excluded: Membership, users: Rows, generator: torch.Generator
    ) -> tuple[Rows, Rows]:
        """A uniform rank among the user's allowed items, mapped to its item."""
        free = self.n_items - excluded.sizes.index_select(0, users)
        share = torch.rand(len(users), generator=generator, device=self.device, dtype=torch.float64)
        rank = (share * free).long().clamp_(max=self.n_items - 1)
        allowed = free > 0
        return excluded.non_member(users, rank).where(allowed, 0), allowed

    def logq(self, excluded: Membership) -> UserValues:
        """Log probability of any allowed item, for each user, [U]; 0 where none is left."""
        return -(self.n_items - excluded.sizes).clamp(min=1).to(torch.float32).log()


@dataclass(frozen=True, eq=False)
class WeightedProposal:
    """A distribution by item weights; alias table, O(1) a draw (Walker 1977, Vose 1991)."""

    p: ItemValues
    """Probability of each item, [I] float64."""
    threshold: ItemValues
    alias: ItemValues
    resample_below = 0
    cheap_exact = False

    @classmethod
    def of(cls, weights: ItemValues) -> "WeightedProposal":
        """Build from weights [I]. Raises ValueError where one is below 0 or none is above."""
        p = weights.to(torch.float64)
        total = p.sum()
        if not bool((p >= 0).all()) or not 0 < float(total) < float("inf"):
            raise ValueError("weights must be finite, not negative and not all 0")
        p = p / total
        threshold, alias = alias_table(p.cpu().numpy())
        return cls(
            p, torch.from_numpy(threshold).to(p.device), torch.from_numpy(alias).to(p.device)
        )

    def propose(self, shape: tuple[int, ...], generator: torch.Generator) -> AnyShape:
        """Item ids by weight."""
        column = torch.randint(len(self.p), shape, generator=generator, device=self.p.device)
        coin = torch.rand(shape, generator=generator, device=self.p.device, dtype=torch.float64)
        return torch.where(coin < self.threshold[column], column, self.alias[column])

    def sample_exact(
        self, excluded: Membership, users: Rows, generator: torch.Generator
    ) -> tuple[Rows, Rows]:
        """Invert the cumulative weights of the user's allowed items, block by block."""
        everything = torch.arange(len(self.p), device=self.p.device)
        size = max(1, BLOCK // len(self.p))
        ids, allowed = torch.zeros_like(users), torch.zeros_like(users, dtype=torch.bool)
        every = torch.arange(len(users), device=users.device)
        for rows in every.tensor_split(list(range(size, len(every), size))):
            hit = excluded.contains_shared(users[rows], everything)
            cumulative = self.p.expand(len(rows), -1).masked_fill(hit, 0).cumsum(1)
            total = cumulative[:, -1:]
            share = torch.rand(
                total.shape, generator=generator, device=total.device, dtype=total.dtype
            )
            # Strictly above the share, so that an item of weight 0 is never drawn.
            at = torch.searchsorted(cumulative, share * total, right=True).squeeze(1)
            allowed[rows] = total.squeeze(1) > 0
            ids[rows] = at.clamp_(max=len(self.p) - 1)
        return ids.where(allowed, 0), allowed

    @property
    def log_p(self) -> ItemValues:
        """Log probability of each item before exclusion, [I] float32."""
        return self.p.log().to(torch.float32)

    def log_allowed(self, excluded: Membership) -> UserValues:
        """Log probability that a plain draw is allowed, for each user, [U]; 0 where never."""
        return log_left(excluded_mass(self.p, excluded))


def excluded_mass(p: ItemValues, excluded: Membership) -> UserValues:
    """The probability under p [I] of each user's excluded items, [U] float64."""
    users = excluded.keys // excluded.n_items
    mass = torch.zeros(excluded.n_users, dtype=torch.float64, device=p.device)
    return mass.index_add_(0, users, p.to(torch.float64)[excluded.keys % excluded.n_items])


def log_left(mass: AnyShape) -> AnyShape:
    """Log of 1 minus the excluded mass, elementwise; 0 where nothing is left but rounding."""
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
