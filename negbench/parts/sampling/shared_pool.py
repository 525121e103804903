"""Pools: the same items for all rows of a batch, each row without what it may not be told."""

from typing import Literal

import torch
from torch import Tensor

from negbench.errors import UserError
from negbench.parts.sampling.proposals import excluded_mass, log_left
from negbench.protocol import Batch, Negatives, Step, TrainContext


class Pool:
    """The positives of the batch, at most `inside` of them, and `uniform` items of the catalogue.

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

    def begin(self, context: TrainContext) -> None:
        """A row's positive is a draw in proportion to train counts."""
        counts = context.counts.to(torch.float64)
        self.popularity = counts / counts.sum().clamp(min=1)
        self.mass = excluded_mass(self.popularity, context.excluded)
        self.share = context.excluded.sizes.to(torch.float64) / context.n_items

    def sample(self, step: Step) -> Negatives:
        """ids [K + K'], K = min(B, inside), shared by all rows."""
        inside = sample_of(step.batch.items, self.inside, step.generator)
        size = (self.uniform,)
        anywhere = torch.randint(
            step.context.n_items, size, generator=step.generator, device=inside.device
        )
        ids = torch.cat([inside, anywhere])
        if self.hide == "batch":
            return Negatives(ids, shared=True, mask=~own(step.batch, ids, step.context.n_items))
        users, items = step.batch.users, step.batch.items.unsqueeze(1)
        hit = step.context.excluded.contains_shared(users, ids)
        # The row's own positive is hidden too, even where the exclusion does not hold it.
        free = ~step.context.excluded.contains(users, items).squeeze(1)
        if free.device.type != "cpu" or bool(free.any()):  # elsewhere an answer would be waited for
            hit |= ids == items
        logq = self.logq(step, ids, free, len(inside) / max(1, len(ids)))
        return Negatives(ids, shared=True, logq=logq, mask=hit.logical_not_())

    def logq(self, step: Step, ids: Tensor, free: Tensor, inside: float) -> Tensor:
        """Log probability of each id among what a row may see, [B, K]; `inside` is K's share."""
        users, items = step.batch.users, step.batch.items
        even = (1 - inside) / step.context.n_items
        mass = inside * self.mass[users] + (1 - inside) * self.share[users]
        mass = mass + free * (inside * self.popularity[items] + even)
        # An in-batch item of count 0 is not from the train part: rare by any reading, but finite.
        plain = (inside * self.popularity[ids] + even).clamp(min=1e-30).log().to(torch.float32)
        return plain - log_left(mass).unsqueeze(1)


class Everything:
    """All items for all rows: no sampling, and so nothing to correct."""

    def __init__(self, cells: int) -> None:
        """Refuse a step of more scores than `cells`, before it fills the memory."""
        self.cells = cells

    def sample(self, step: Step) -> Negatives:
        """ids [I], each row's positive and exclusion masked."""
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


def own(batch: Batch, ids: Tensor, n_items: int) -> Tensor:
    """Is each of ids [K] a positive of the row's user in this batch? -> bool [B, K]."""
    keys = (batch.users * n_items + batch.items).sort().values
    wanted = batch.users.unsqueeze(1) * n_items + ids
    at = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    found: Tensor = keys[at] == wanted
    return found


def sample_of(items: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """All of items [B], or n of them drawn without replacement where there are more."""
    if len(items) <= n:
        return items
    return items[torch.randperm(len(items), generator=generator, device=items.device)[:n]]
