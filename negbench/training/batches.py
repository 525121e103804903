"""The batches of an epoch: shuffled pairs, or whole histories for sequence backbones."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from negbench.data.interactions import Csr
from negbench.ops.axes import Rows
from negbench.protocol.step import Batch, BatchChunk

CHUNK_ROWS = 1 << 16
"""Rows in a prefetch chunk; at least one batch."""


class Pairs:
    """Every train pair once an epoch, in a new random order, `size` rows a batch."""

    def __init__(
        self,
        train: Csr,
        size: int,
        device: torch.device | str = "cpu",
        part: tuple[int, int] = (0, 1),
    ) -> None:
        """Keep the pairs on the device, in 32 bits: half the bytes to gather at random.

        Of each batch those rows are given that `part` (i, n) names: every n-th from the i-th on.
        """
        self.users = torch.from_numpy(train.rows.astype(np.int32)).to(device)
        self.items = torch.from_numpy(train.indices.astype(np.int32)).to(device)
        self.size, self.rows_per_user = size, torch.from_numpy(train.lengths).to(device)
        self.part = part

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.users) // self.size)

    def epoch(self, generator: torch.Generator) -> Iterator[Batch]:
        """The batches of one epoch; the generator is on the device of the pairs.

        Where each batch is given in n parts, a last one of fewer rows is left out.
        """
        n, device = len(self.users), self.users.device
        order = torch.randperm(n, generator=generator, device=device, dtype=torch.int32)
        order, size = self._own(order)
        n = len(order)
        for rows in torch.split(order, max(1, CHUNK_ROWS // size) * size) if n else ():
            items = self.items.index_select(0, rows).long()
            chunk = BatchChunk(self.users.index_select(0, rows).long())
            for start in range(0, len(rows), size):
                here = slice(start, start + size)
                yield Batch(chunk.users[here], items[here], chunk=chunk, start=start)

    def _own(self, order: Rows) -> tuple[Rows, int]:
        """Of an epoch's rows [n] this part of each batch, one after another, and its size."""
        at, of = self.part
        if of == 1:
            return order, self.size
        last = len(order) % self.size
        order = order[: len(order) - last] if last < of else order
        place = torch.arange(len(order), device=order.device) % self.size
        return order[place % of == at], len(range(at, self.size, of))


class Sequences:
    """Every user's latest items once an epoch, `size` users a batch, each position one row."""

    def __init__(
        self, train: Csr, size: int, length: int, device: torch.device | str = "cpu"
    ) -> None:
        """Pad the histories; a user with one item has nothing to predict and is left out."""
        self.users = torch.from_numpy(np.flatnonzero(train.lengths > 1)).to(device)
        self.items = torch.from_numpy(tails(train, length + 1)).to(device)[self.users]
        self.counts = (self.items != train.n_columns).sum(1) - 1
        self.size, self.padding = size, train.n_columns
        self.rows_per_user = torch.zeros(train.n_rows, dtype=torch.long, device=device)
        self.rows_per_user[self.users] = self.counts

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.users) // self.size)

    def epoch(self, generator: torch.Generator) -> Iterator[Batch]:
        """The batches of one epoch; inputs [S, T] predict the same sequences shifted by one."""
        for rows in shuffled(self.users, self.size, generator):
            yield self.batch(rows)

    def batch(self, rows: Rows) -> Batch:
        """The batch of these histories [S]: each position with an item to predict is a row."""
        counts, items = self.counts[rows], self.items[rows]
        width = int(counts.max())
        targets = items[:, 1 : width + 1]
        valid = targets != self.padding
        inputs = items[:, :width].masked_fill(~valid, self.padding)
        cells = valid.reshape(-1).nonzero().squeeze(1)
        users = self.users[rows].repeat_interleave(counts)
        return Batch(users, targets.reshape(-1)[cells], inputs, cells)


def shuffled(values: Rows, size: int, generator: torch.Generator) -> Sequence[Rows]:
    """The indices of `values` in a random order, `size` at a time; none where it is empty."""
    order = torch.randperm(len(values), generator=generator, device=values.device)
    return torch.split(order, size) if len(order) else ()


def tails(sets: Csr, length: int) -> np.ndarray:
    """Each user's last `length` items in order, then padding I: int64 [U, length]."""
    padded = np.full((sets.n_rows, length), sets.n_columns, np.int64)
    place = np.arange(len(sets)) - np.repeat(
        np.maximum(sets.indptr[:-1], sets.indptr[1:] - length), sets.lengths
    )
    kept = place >= 0
    padded[sets.rows[kept], place[kept]] = sets.indices[kept]
    return padded
