"""Is item j in user u's set? Asked for every candidate of every step.

A packed-bit U x I mask answers where it fits a limit, sorted keys with `searchsorted` beyond.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.interactions import Csr

LIMIT = 1 << 29
"""Bytes that a packed mask may take."""


@dataclass(frozen=True, eq=False)
class Packed:
    """The arrays of a Membership, made once for all devices and processes."""

    n_users: int
    n_items: int
    keys: NDArray[np.int64]
    indptr: NDArray[np.int64]
    bits: NDArray[np.uint8] | None

    @classmethod
    def of(cls, sets: Csr, *, limit: int = LIMIT) -> "Packed":
        """From each user's items; without the mask where it would take more bytes than `limit`."""
        keys = np.unique(sets.keys)
        starts = np.arange(sets.n_rows + 1) * sets.n_columns
        width, bits = -(-sets.n_columns // 8), None
        if sets.n_rows * width <= limit:
            flat = np.zeros(sets.n_rows * width, np.uint8)
            at = sets.rows * width + (sets.indices >> 3)
            np.bitwise_or.at(flat, at, (1 << (sets.indices & 7)).astype(np.uint8))
            bits = flat.reshape(sets.n_rows, width)
        return cls(sets.n_rows, sets.n_columns, keys, np.searchsorted(keys, starts), bits)


@dataclass(frozen=True, eq=False)
class Membership:
    """Sets of items, one for each user, for exact and fast look-ups on any device."""

    n_users: int
    n_items: int
    keys: Tensor
    """`user * n_items + item` of every member, ascending, [n] int64."""
    indptr: Tensor
    """Where each user's keys begin, [U + 1] int64."""
    bits: Tensor | None
    """Packed mask, [U, ceil(I / 8)] uint8, or None beyond the limit."""

    @classmethod
    def of(
        cls, sets: Csr, *, limit: int = LIMIT, device: torch.device | str = "cpu"
    ) -> "Membership":
        """Build from each user's items."""
        return cls.on(Packed.of(sets, limit=limit), device)

    @classmethod
    def on(cls, packed: "Packed", device: torch.device | str = "cpu") -> "Membership":
        """From its arrays, which are shared where the device is the CPU."""
        keys, indptr = (torch.from_numpy(x).to(device) for x in (packed.keys, packed.indptr))
        bits = None if packed.bits is None else torch.from_numpy(packed.bits).to(device)
        return cls(packed.n_users, packed.n_items, keys, indptr, bits)

    @cached_property
    def sizes(self) -> Tensor:
        """How many items each user's set has, [U]."""
        return self.indptr.diff()

    @cached_property
    def gaps(self) -> Tensor:
        """`user * (I + 1) + non-members before each member`, ascending, [n]: rank map keys."""
        users = self.keys // self.n_items
        place = torch.arange(len(self.keys), device=self.keys.device) - self.indptr[users]
        return users * (self.n_items + 1) + self.keys % self.n_items - place

    def non_member(self, users: Tensor, rank: Tensor) -> Tensor:
        """The item that is number `rank` [n] (from 0) among those not in the set of `users` [n]."""
        wanted = users * (self.n_items + 1) + rank
        return rank + torch.searchsorted(self.gaps, wanted, right=True) - self.indptr[users]

    def contains(self, users: Tensor, ids: Tensor) -> Tensor:
        """Is each of ids [B, N] in its row's user's set (users [B])? -> bool [B, N]."""
        if self.bits is not None:
            return self._marks(self.bits, users, ids).view(torch.bool).view_as(ids)
        return self._found(users.unsqueeze(1) * self.n_items + ids)

    def hits(self, users: Tensor, ids: Tensor) -> Tensor:
        """Where ids [B, N] are in their row's user's set: ascending places in the flat ids."""
        if self.bits is not None:
            return self._marks(self.bits, users, ids).nonzero().squeeze(1)
        return self._found(users.unsqueeze(1) * self.n_items + ids).view(-1).nonzero().squeeze(1)

    def _marks(self, bits: Tensor, users: Tensor, ids: Tensor) -> Tensor:
        """1 for a member, 0 for another, [B * N] uint8; flat, as `index_select` is the quickest."""
        at = torch.add(ids >> 3, users.unsqueeze(1), alpha=bits.shape[1]).view(-1)
        place = (ids & 7).to(torch.uint8).view(-1)
        return bits.view(-1).index_select(0, at).bitwise_right_shift_(place).bitwise_and_(1)

    def contains_shared(self, users: Tensor, ids: Tensor) -> Tensor:
        """Is each of the shared ids [K] in each row's user's set? -> bool [B, K]."""
        if self.bits is not None:
            return self.bits[users].index_select(1, ids >> 3) & self._bit(ids) != 0
        return self._found(users.unsqueeze(1) * self.n_items + ids)

    def _bit(self, ids: Tensor) -> Tensor:
        one = torch.ones((), dtype=torch.uint8, device=ids.device)
        return one << (ids & 7).to(torch.uint8)

    def _found(self, wanted: Tensor) -> Tensor:
        if not len(self.keys):
            return torch.zeros_like(wanted, dtype=torch.bool)
        at = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
        return self.keys[at] == wanted
