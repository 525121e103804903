"""An epoch's rows in steps: shuffled pairs, or whole histories for sequence backbones."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from negbench.interactions import Csr
from negbench.values import Batch


class Pairs:
    """Every train pair once an epoch, in a fresh order, `size` rows a step."""

    def __init__(self, train: Csr, size: int, device: torch.device | str = "cpu") -> None:
        """Keep the pairs where the steps run."""
        self.users = torch.from_numpy(train.rows.copy()).to(device)
        self.items = torch.from_numpy(train.indices.astype(np.int64)).to(device)
        self.size = size

    def __len__(self) -> int:
        """Steps in an epoch."""
        return -(-len(self.users) // self.size)

    def epoch(self, generator: torch.Generator) -> Iterator[Batch]:
        """One epoch; the generator lives on the device of the pairs."""
        order = torch.randperm(len(self.users), generator=generator, device=self.users.device)
        for rows in torch.split(order, self.size):
            yield Batch(self.users[rows], self.items[rows])


class Sequences:
    """Every user's latest items once an epoch, `size` users a step, each position one row."""

    def __init__(
        self, train: Csr, size: int, length: int, device: torch.device | str = "cpu"
    ) -> None:
        """Pad on the left with I; a user with one item has nothing to predict and is left out."""
        padded = tails(train, length + 1)
        self.users = torch.from_numpy(np.flatnonzero(train.lengths > 1)).to(device)
        self.items = torch.from_numpy(padded).to(device)[self.users]
        self.padding = train.n_columns
        self.size = size

    def __len__(self) -> int:
        """Steps in an epoch."""
        return -(-len(self.users) // self.size)

    def epoch(self, generator: torch.Generator) -> Iterator[Batch]:
        """One epoch; inputs [S, T] predict the same sequences one place on."""
        order = torch.randperm(len(self.users), generator=generator, device=self.users.device)
        for rows in torch.split(order, self.size):
            yield self.batch(rows)

    def batch(self, rows: Tensor) -> Batch:
        """The rows of these histories; a position counts where its input is an item."""
        inputs, targets = self.items[rows, :-1], self.items[rows, 1:]
        shortest = int((inputs == self.padding).sum(1).min()) if len(rows) else 0
        inputs, targets = inputs[:, shortest:].contiguous(), targets[:, shortest:]
        cells = (inputs != self.padding).view(-1).nonzero().squeeze(1)
        users = self.users[rows].repeat_interleave(inputs.shape[1])[cells]
        return Batch(users, targets.reshape(-1)[cells], inputs, cells)


def tails(sets: Csr, length: int) -> np.ndarray:
    """Each user's last `length` items, padded on the left with I: int64 [U, length]."""
    padded = np.full((sets.n_rows, length), sets.n_columns, np.int64)
    from_end = np.repeat(sets.indptr[1:], sets.lengths) - np.arange(len(sets))
    kept = from_end <= length
    padded[sets.rows[kept], length - from_end[kept]] = sets.indices[kept]
    return padded
