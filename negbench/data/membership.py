"""Is item j in user u's set? Asked for every candidate of every step.

A packed-bit U x I mask answers where it fits a limit. Beyond it the pairs are sorted keys, found by
`searchsorted`, behind a sieve (a Bloom filter of one hash: Bloom 1970): a table of bits of which a
pair that is in no set meets an empty one, nine times in ten, so that few are searched for.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.data.interactions import Csr

LIMIT = 1 << 29
"""Bytes that a packed mask may take."""
BITS = 10
"""Bits of the sieve for each pair, at least; up to twice as many, as it is a power of 2."""
MEMBER = 16
"""To look at a member takes so many times as long as a byte or a cell of a mask."""
SPREAD = -7046029254386353131
"""2^64 / golden ratio, as a signed number: neighbouring keys land far from one another."""


@dataclass(frozen=True, eq=False)
class Packed:
    """The arrays of a Membership, made once for all devices and processes."""

    n_users: int
    n_items: int
    keys: NDArray[np.int64]
    indptr: NDArray[np.int64]
    bits: NDArray[np.uint8] | None
    sieve: NDArray[np.uint8] | None

    @classmethod
    def of(cls, sets: Csr, *, limit: int = LIMIT) -> "Packed":
        """From each user's items; without the mask where it would take more bytes than `limit`."""
        keys = np.unique(sets.keys)
        starts = np.arange(sets.n_rows + 1) * sets.n_columns
        width, bits, sieve = -(-sets.n_columns // 8), None, None
        if sets.n_rows * width <= limit:
            at = sets.rows * (8 * width) + sets.indices
            bits = marked(at, sets.n_rows * width).reshape(sets.n_rows, width)
        else:
            size = 1 << max(0, int(BITS * len(keys) - 1).bit_length() - 3)
            sieve = marked(place_of(torch.from_numpy(keys), size).numpy(), size)
        indptr = np.searchsorted(keys, starts)
        return cls(sets.n_rows, sets.n_columns, keys, indptr, bits, sieve)


def marked(places: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """`size` bytes of bits, 1 at these places."""
    made = np.zeros(size, np.uint8)
    np.bitwise_or.at(made, places >> 3, (1 << (places & 7)).astype(np.uint8))
    return made


def place_of(keys: Tensor, size: int) -> Tensor:
    """Each key's bit in a sieve of `size` bytes, a power of 2: the high bits of a wide product."""
    return (keys * SPREAD >> 20) & (8 * size - 1)


def bit_at(bits: Tensor, places: Tensor) -> Tensor:
    """1 or 0 at each of flat places [n] of the bits, uint8 [n]."""
    shift = (places & 7).to(torch.uint8)
    return bits.index_select(0, places >> 3).bitwise_right_shift_(shift).bitwise_and_(1)


def host_sync_allowed(users: Tensor) -> bool:
    """Whether the host may look at what was found: elsewhere it would wait for the device."""
    return users.device.type == "cpu"


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
    sieve: Tensor | None = None
    """The bits that the keys hash to, uint8; there where `bits` is None."""

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
        bits, sieve = (
            None if each is None else torch.from_numpy(each).to(device)
            for each in (packed.bits, packed.sieve)
        )
        return cls(packed.n_users, packed.n_items, keys, indptr, bits, sieve)

    @cached_property
    def sizes(self) -> Tensor:
        """How many items each user's set has, [U]."""
        return self.indptr.diff()

    @cached_property
    def items(self) -> Tensor:
        """The members themselves, user by user, [n] int32."""
        return (self.keys % self.n_items).to(torch.int32)

    @cached_property
    def all_have_left(self) -> bool:
        """Whether there is an item outside every user's set."""
        return not len(self.sizes) or int(self.sizes.max()) < self.n_items

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
        return self._in(users.unsqueeze(1) * self.n_items + ids)

    def hits(self, users: Tensor, ids: Tensor) -> Tensor:
        """Where ids [B, N] are in their row's user's set: ascending places in the flat ids."""
        if self.bits is not None:
            return self._marks(self.bits, users, ids).nonzero().squeeze(1)
        return self._found((users.unsqueeze(1) * self.n_items + ids).view(-1))

    def _marks(self, bits: Tensor, users: Tensor, ids: Tensor) -> Tensor:
        """1 for a member, 0 for another, [B * N] uint8; flat, as `index_select` is the quickest."""
        at = torch.add(ids, users.unsqueeze(1), alpha=8 * bits.shape[1]).view(-1)
        return bit_at(bits.view(-1), at)

    def contains_shared(self, users: Tensor, ids: Tensor) -> Tensor:
        """Is each of the shared ids [K] in each row's user's set? -> bool [B, K]."""
        if self.bits is None or self._sparse(users, len(ids)):
            return self._by_members(users, ids)
        # By item first: whole rows are copied, where single bytes of a row would be picked.
        made = self.bits.index_select(0, users).T.contiguous().index_select(0, ids >> 3)
        made.bitwise_right_shift_((ids & 7).to(torch.uint8).unsqueeze(1)).bitwise_and_(1)
        return made.T.contiguous().view(torch.bool)

    def _sparse(self, users: Tensor, k: int) -> bool:
        """Whether these sets have so few members that looking at each beats a mask of k ids."""
        if not host_sync_allowed(users):
            return False
        cells = len(users) * ((self.n_items >> 3) + k)
        return MEMBER * int(self.sizes.index_select(0, users).sum()) < cells

    def _by_members(self, users: Tensor, ids: Tensor) -> Tensor:
        """From each row's members, who are fewer than its cells: where each of them is in ids."""
        device, lengths = users.device, self.sizes.index_select(0, users)
        rows = torch.arange(len(users), device=device).repeat_interleave(lengths)
        first = self.indptr.index_select(0, users) - (lengths.cumsum(0) - lengths)
        at = first.index_select(0, rows).add_(torch.arange(len(rows), device=device))
        column = torch.full((self.n_items,), len(ids), dtype=torch.int32, device=device)
        every = torch.arange(len(ids), dtype=torch.int32, device=device)
        column[ids] = every  # of an item that stands in ids several times, one of its places
        at = column.index_select(0, self.items.index_select(0, at))
        found = (at < len(ids)).nonzero().squeeze(1)
        made = torch.zeros(len(users), len(ids), dtype=torch.bool, device=device)
        cells = rows.index_select(0, found) * len(ids) + at.index_select(0, found)
        made.view(-1).index_fill_(0, cells, True)
        first = column.index_select(0, ids)
        again = (first != every).nonzero().squeeze(1)
        made[:, again] = made.index_select(1, first.index_select(0, again))
        return made

    def _in(self, wanted: Tensor) -> Tensor:
        if self.sieve is not None and wanted.device.type == "cpu":
            made = torch.zeros_like(wanted, dtype=torch.bool)
            made.view(-1)[self._found(wanted.view(-1))] = True
            return made
        return self._equal(wanted)

    def _found(self, wanted: Tensor) -> Tensor:
        """Where wanted keys [n] are among the keys: ascending places."""
        if self.sieve is None:
            return self._equal(wanted).nonzero().squeeze(1)
        through = bit_at(self.sieve, place_of(wanted, len(self.sieve))).nonzero().squeeze(1)
        return through[self._equal(wanted.index_select(0, through))]

    def _equal(self, wanted: Tensor) -> Tensor:
        """Is each of wanted [...] one of the keys? By search, whatever the sieve says."""
        if not len(self.keys):
            return torch.zeros_like(wanted, dtype=torch.bool)
        at = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
        return self.keys[at] == wanted
