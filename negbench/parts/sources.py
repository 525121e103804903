"""Sources that several methods share."""

from dataclasses import dataclass

import torch
from torch import Tensor

from negbench.draws import Even, log_allowed, outside
from negbench.protocol import Negatives, Step, World


class Uniform:
    """N items for each row, uniform over those that its user's exclusion leaves."""

    def __init__(self, negatives: int = 1) -> None:
        """Draw this many for each row."""
        self.negatives = negatives

    def begin(self, world: World) -> None:
        """Know the catalogue and each user's log probability of an allowed item."""
        self.items = Even(world.n_items, world.device)
        self.logq = self.items.logq(world.excluded)

    def draw(self, step: Step) -> Negatives:
        """ids [B, N], logq = -log(I - |excluded of u|)."""
        users = step.batch.users
        ids, mask = outside(self.items, step.world.excluded, users, self.negatives, step.generator)
        return Negatives(ids, logq=self.logq[users].unsqueeze(1).expand_as(ids), mask=mask)


@dataclass(frozen=True, eq=False)
class Pool:
    """A shared pool's proposal: its log probability by item and by the user's exclusion."""

    log_p: Tensor
    log_allowed: Tensor

    @classmethod
    def of(cls, p: Tensor, world: World) -> "Pool":
        """From the probability of each item in the pool, [I]."""
        p = p.to(torch.float64) / p.sum()
        return cls(p.clamp(min=1e-300).log().float(), log_allowed(p, world.excluded))

    def negatives(self, step: Step, ids: Tensor) -> Negatives:
        """Share ids [K] among all rows, without each row's positive and exclusions.

        A row sees draws from the pool that are allowed to it, so its logq is log p - log P(allowed).
        """
        batch = step.batch
        hit = step.world.excluded.contains_shared(batch.users, ids)
        hit |= ids == batch.items.unsqueeze(1)
        logq = self.log_p[ids] - self.log_allowed[batch.users].unsqueeze(1)
        return Negatives(ids, shared=True, logq=logq, mask=~hit)


class InBatch:
    """The positives of the batch's other rows, at most `pool` of them, shared by all rows."""

    def __init__(self, pool: int = 2048) -> None:
        """A pool that is bounded keeps thousands of sequence rows from scoring each other."""
        self.pool = pool

    def begin(self, world: World) -> None:
        """A row's positive is a draw in proportion to train counts."""
        self.proposal = Pool.of(world.counts, world)

    def draw(self, step: Step) -> Negatives:
        """ids [K], K = min(B, pool), each row's own positives masked."""
        return self.proposal.negatives(step, sample_of(step.batch.items, self.pool, step.generator))


class MixedPool:
    """In-batch positives and uniform items in one shared pool, with the mixture's probability."""

    def __init__(self, pool: int = 2048, uniform: int = 2048) -> None:
        """At most `pool` in-batch items beside `uniform` items from the whole catalogue."""
        self.pool = pool
        self.uniform = uniform
        self.proposals: dict[int, Pool] = {}

    def begin(self, world: World) -> None:
        """The mixture depends on how many rows the batch has; the last batch may be short."""
        self.world = world
        self.proposals = {}

    def draw(self, step: Step) -> Negatives:
        """ids [K + K'], q = (K p_popularity + K' / I) / (K + K')."""
        inside = sample_of(step.batch.items, self.pool, step.generator)
        anywhere = torch.randint(
            self.world.n_items, (self.uniform,), generator=step.generator, device=inside.device
        )
        return self.mixture(len(inside)).negatives(step, torch.cat([inside, anywhere]))

    def mixture(self, inside: int) -> Pool:
        """The proposal of `inside` in-batch and `self.uniform` uniform draws."""
        if inside not in self.proposals:
            counts = self.world.counts.to(torch.float64)
            p = inside * counts / counts.sum() + self.uniform / self.world.n_items
            self.proposals[inside] = Pool.of(p, self.world)
        return self.proposals[inside]


def sample_of(items: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """All of items [B], or n of them drawn without replacement where there are more."""
    if len(items) <= n:
        return items
    return items[torch.randperm(len(items), generator=generator, device=items.device)[:n]]
