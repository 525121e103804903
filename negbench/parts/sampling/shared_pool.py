"""Shared pools: in-batch and mixed negatives, and all items; each row's exclusion is masked."""

from typing import Literal

import torch

from negbench.errors import UserError
from negbench.parts.sampling.proposals import excluded_mass, log_left
from negbench.protocol import (
    Batch,
    FixedProposal,
    Negatives,
    PoolIds,
    PoolScores,
    Rows,
    Step,
    TrainContext,
)


class Pool:
    """In-batch negatives: at most `inside` positives of the batch, and `uniform` random items.

    A row sees the draws that are allowed to it, so its `logq` is log q - log q(allowed), where
    q_j = (K count_j / sum count + K' / I) / (K + K') for K positives and K' uniform items.
    """

    def __init__(
        self,
        inside: int = 2048,
        uniform: int = 0,
        hide: Literal["excluded", "batch"] = "excluded",
    ) -> None:
        """`hide`: the row's positive and its user's exclusion, or the user's batch positives."""
        self.inside = inside
        self.uniform = uniform
        self.hide = hide

    @property
    def rows_needed(self) -> int:
        """The least rows of a batch of pairs from which any row has a negative."""
        return 1 if self.uniform else 2

    def begin(self, context: TrainContext) -> None:
        """Callback before training: popularity, and the mass that each user excludes."""
        counts = context.counts.to(torch.float64)
        self.popularity = counts / counts.sum().clamp(min=1)
        self.mass = excluded_mass(self.popularity, context.excluded)
        self.share = context.excluded.sizes.to(torch.float64) / context.n_items

    def sample(self, step: Step) -> Negatives:
        """ids [K + K'], K = min(B, inside), shared by all rows."""
        inside = subsample(step.batch.items, self.inside, step.generator)
        size = (self.uniform,)
        anywhere = torch.randint(
            step.context.n_items, size, generator=step.generator, device=inside.device
        )
        ids = torch.cat([inside, anywhere])
        if self.hide == "batch":
            return Negatives(
                ids, shared=True, mask=~own_positives(step.batch, ids, step.context.n_items)
            )
        users, items = step.batch.users, step.batch.items.unsqueeze(1)
        hit = step.context.excluded.contains_shared(users, ids)
        # The row's own positive is hidden too, even where the exclusion does not hold it.
        free = ~step.context.excluded.contains(users, items).squeeze(1)
        if free.device.type != "cpu" or bool(free.any()):  # a GPU would have to sync
            hit |= ids == items
        logq = self.logq(step, ids, free, len(inside) / max(1, len(ids)))
        return Negatives(ids, shared=True, logq=logq, mask=hit.logical_not_())

    def logq(self, step: Step, ids: PoolIds, free: Rows, inside: float) -> PoolScores:
        """Log probability of each id among a row's allowed ones, [B, K]; `inside` is K's share."""
        users, items = step.batch.users, step.batch.items
        even = (1 - inside) / step.context.n_items
        mass = inside * self.mass[users] + (1 - inside) * self.share[users]
        mass = mass + free * (inside * self.popularity[items] + even)
        # An in-batch item of count 0 is not from the train part: rare by any reading, but finite.
        plain = (inside * self.popularity[ids] + even).clamp(min=1e-30).log().to(torch.float32)
        return plain - log_left(mass).unsqueeze(1)

    def fixed_proposal(self) -> FixedProposal | None:
        """Popularity, masked where excluded; None for a mixture, whose shares a short batch moves,
        and where the exclusion is that of the batch alone.
        """
        if self.uniform or self.hide == "batch":
            return None
        return FixedProposal(self.popularity, redraws=False, of_train_pairs=True)


class Everything:
    """All items for all rows: the full softmax, without sampling or correction."""

    def __init__(self, cells: int) -> None:
        """`cells` is the largest number of scores of a step."""
        self.cells = cells

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the number of items."""
        self.n_items, self.device = context.n_items, context.device

    def fixed_proposal(self) -> FixedProposal:
        """Every item once, masked where excluded."""
        p = torch.full((self.n_items,), 1 / self.n_items, dtype=torch.float64, device=self.device)
        return FixedProposal(p, redraws=False)

    def sample(self, step: Step) -> Negatives:
        """ids [I], each row's positive and exclusion masked.

        Raises UserError for a step with more scores than `cells`, before it fills the memory.
        """
        users, items = step.batch.users, step.batch.items
        cells = len(users) * step.context.n_items
        if cells > self.cells:
            raise UserError(
                f"scoring all items takes {len(users)} rows x {step.context.n_items} items = "
                f"{cells / 2**28:.1f} GiB a score table, above `cells`={self.cells}; lower the "
                "batch size, raise `cells`, or sample with mixed(uniform=8192)"
            )
        ids = torch.arange(step.context.n_items, device=items.device)
        mask = step.context.excluded.contains_shared(users, ids).logical_not_()
        return Negatives(ids, shared=True, mask=mask.scatter_(1, items.unsqueeze(1), False))


def own_positives(batch: Batch, ids: PoolIds, n_items: int) -> PoolScores:
    """Whether each of ids [K] is a positive of the row's user in this batch, bool [B, K]."""
    keys = (batch.users * n_items + batch.items).sort().values
    wanted = batch.users.unsqueeze(1) * n_items + ids
    at = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    hits: PoolScores = keys[at] == wanted
    return hits


def subsample(items: Rows, n: int, generator: torch.Generator) -> PoolIds:
    """All of items [B], or n of them drawn without replacement where there are more."""
    if len(items) <= n:
        return items
    return items[torch.randperm(len(items), generator=generator, device=items.device)[:n]]
