"""A fixed pool of triplets, some negatives for each pair, and the values gathered for them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from negbench.ops import rng
from negbench.parts.sampling.proposals import UniformProposal, outside
from negbench.protocol import Csr, TrainContext

KEPT = 100_000
"""Triplets that a record holds at most."""


@dataclass(eq=False)
class ValuedPool:
    """P pairs, C negatives each. Values are a moving mean of measurements; errors go with it."""

    users: Tensor
    """[P], ascending by user, then by item."""
    positives: Tensor
    negatives: Tensor
    """[P, C]."""
    usable: Tensor
    """False where a user has no item left to draw, [P, C]."""
    keys: Tensor
    """user * I + item of each pair, ascending, [P]."""
    n_items: int
    sample: Tensor
    """Places of the triplets that a record holds, in P x C, fixed."""
    value: Tensor
    variance: Tensor
    """Of the value: its standard error squared, [P, C]."""
    hardness: Tensor
    epoch: int = 0
    """Of the last measurement; 0 where there is none."""

    @classmethod
    def of(cls, pairs: Csr, context: TrainContext, candidates: int, most: int) -> Self:
        """Draw `candidates` negatives for each pair, or for so many pairs that `most` hold."""
        keys = torch.from_numpy(np.unique(pairs.keys)).to(context.device)
        chance = rng.stream(context.seed, "pool", device=context.device)
        wanted = max(1, most // candidates)
        if len(keys) > wanted:
            some = torch.randperm(len(keys), generator=chance, device=context.device)[:wanted]
            keys = keys[some.sort().values]
        users, positives = keys // context.n_items, keys % context.n_items
        even = UniformProposal(context.n_items, context.device)
        ids, mask = outside(even, context.excluded, users, candidates, chance)
        usable = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        places = usable.flatten().nonzero().squeeze(1)
        order = torch.randperm(len(places), generator=chance, device=context.device)[:KEPT]
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
        """P."""
        return len(self.keys)

    @property
    def triplets(self) -> tuple[Tensor, Tensor, Tensor]:
        """Users, positives and negatives of the usable triplets, [T] each."""
        users, positives = (
            ids.unsqueeze(1).expand_as(self.negatives)[self.usable]
            for ids in (self.users, self.positives)
        )
        return users, positives, self.negatives[self.usable]

    def find(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """The place of each pair [B] among the P, and whether it is there."""
        wanted = users * self.n_items + items
        if not len(self.keys):
            return torch.zeros_like(wanted), torch.zeros_like(wanted, dtype=torch.bool)
        at = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
        return at, self.keys[at] == wanted

    def add(
        self, value: Tensor, error: Tensor, hardness: Tensor, epoch: int, memory: float
    ) -> None:
        """Take in the measurements [T] of an epoch; the old ones keep the share `memory`."""
        old = memory if self.epoch else 0.0
        used = self.usable
        before, variance = self.value[used], self.variance[used]
        self.value = self._spread(old * before + (1 - old) * value)
        self.variance = self._spread(old**2 * variance + (1 - old) ** 2 * error.square())
        self.hardness, self.epoch = self._spread(hardness), epoch

    def _spread(self, values: Tensor) -> Tensor:
        table = torch.zeros_like(self.value)
        table[self.usable] = values.to(table.dtype)
        return table

    def recorded(self) -> dict[str, Tensor]:
        """The triplets that a record holds; none before the first measurement."""
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
        """What was measured; the pool itself is drawn again from the seed."""
        return {
            "value": self.value,
            "variance": self.variance,
            "hardness": self.hardness,
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back, to this pool's device."""
        for name in ("value", "variance", "hardness"):
            setattr(self, name, state[name].to(self.value.device))
        self.epoch = state["epoch"]
