"""A fixed pool of triplets, some negatives for each pair, and their values over the epochs."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from negbench.ops import rng
from negbench.parts.sampling.proposals import UniformProposal, sample_outside
from negbench.protocol import Csr, Pairs, Rows, TrainContext

RECORDED = 100_000
"""Most triplets that a record keeps."""


@dataclass(eq=False)
class TripletPool:
    """P pairs, C negatives each, with a moving mean of measured values and its standard error."""

    users: Tensor
    """[P], ascending by user, then by item."""
    positives: Tensor
    negatives: Tensor
    """[P, C]."""
    usable: Tensor
    """False where a user has no item left to sample, [P, C]."""
    keys: Tensor
    """user * I + item of each pair, ascending, [P]."""
    n_items: int
    sample: Tensor
    """Fixed places, in P x C, of the triplets that a record keeps."""
    value: Tensor
    variance: Tensor
    """The standard error of the value, squared, [P, C]."""
    hardness: Tensor
    epoch: int = 0
    """Epoch of the last measurement; 0 before the first."""

    @classmethod
    def of(cls, pairs: Csr, context: TrainContext, candidates: int, most: int) -> Self:
        """Sample `candidates` negatives for each pair, for at most `most` triplets in all."""
        keys = torch.from_numpy(np.unique(pairs.keys)).to(context.device)
        generator = rng.stream(context.seed, "pool", device=context.device)
        wanted = max(1, most // candidates)
        if len(keys) > wanted:
            some = torch.randperm(len(keys), generator=generator, device=context.device)[:wanted]
            keys = keys[some.sort().values]
        users, positives = keys // context.n_items, keys % context.n_items
        proposal = UniformProposal(context.n_items, context.device)
        ids, mask = sample_outside(proposal, context.excluded, users, candidates, generator)
        usable = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        places = usable.flatten().nonzero().squeeze(1)
        order = torch.randperm(len(places), generator=generator, device=context.device)[:RECORDED]
        zero = torch.zeros(ids.shape, device=context.device)
        return cls(
            users,
            positives,
            ids,
            usable,
            keys,
            context.n_items,
            places[order.sort().values],
            zero,
            zero.clone(),
            zero.clone(),
        )

    def __len__(self) -> int:
        """P, the number of pairs."""
        return len(self.keys)

    @property
    def triplets(self) -> tuple[Pairs, Pairs, Pairs]:
        """Users, positives and negatives of the usable triplets, [T] each."""
        users, positives = (
            ids.unsqueeze(1).expand_as(self.negatives)[self.usable]
            for ids in (self.users, self.positives)
        )
        return users, positives, self.negatives[self.usable]

    def find(self, users: Rows, items: Rows) -> tuple[Rows, Rows]:
        """The place of each pair [B] among the P, and whether the pool has it."""
        wanted = users * self.n_items + items
        if not len(self.keys):
            return torch.zeros_like(wanted), torch.zeros_like(wanted, dtype=torch.bool)
        at = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
        return at, self.keys[at] == wanted

    def add(self, value: Pairs, error: Pairs, hardness: Pairs, epoch: int, memory: float) -> None:
        """Add the measurements [T] of an epoch; the old values keep the share `memory`."""
        old = memory if self.epoch else 0.0
        used = self.usable
        before, variance = self.value[used], self.variance[used]
        self.value = self._table(old * before + (1 - old) * value)
        self.variance = self._table(old**2 * variance + (1 - old) ** 2 * error.square())
        self.hardness, self.epoch = self._table(hardness), epoch

    def _table(self, values: Tensor) -> Tensor:
        table = torch.zeros_like(self.value)
        table[self.usable] = values.to(table.dtype)
        return table

    def record(self) -> dict[str, Pairs]:
        """The triplets that a record keeps; empty before the first measurement."""
        if not self.epoch or not len(self.sample):
            return {}
        at = self.sample
        row = at // self.negatives.shape[1]
        return {
            "user": self.users[row],
            "positive": self.positives[row],
            "negative": self.negatives.flatten()[at],
            "value": self.value.flatten()[at],
            "error": self.variance.flatten()[at].sqrt(),
            "hardness": self.hardness.flatten()[at],
            "epoch": torch.full_like(row, self.epoch),
        }

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the measurements; the pool is sampled again from the seed."""
        return {
            "value": self.value,
            "variance": self.variance,
            "hardness": self.hardness,
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state, on this pool's device."""
        for name in ("value", "variance", "hardness"):
            setattr(self, name, state[name].to(self.value.device))
        self.epoch = state["epoch"]
