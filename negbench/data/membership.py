"""Set membership of user-item pairs: is item i in user u's set? For every candidate of a step.

A packed-bit U x I mask answers where it fits a limit. Beyond it the pairs are sorted keys, found by
`searchsorted`; a one-hash Bloom filter (Bloom 1970) rejects about 90 % of non-members without a
search.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.ops.axes import AnyShape, Ids, Mask, Pairs, PoolIds, PoolScores, Rows, UserValues

LIMIT = 1 << 29
"""Most bytes of a packed mask."""
BLOOM_BITS = 10
"""Bits of the Bloom filter per pair, at least; up to twice as many, as its size is a power of 2."""
MEMBER_COST = 50
"""Cost of one member look-up relative to one mask cell."""
HASH_FACTOR = -7046029254386353131
"""2^64 / golden ratio, signed: Fibonacci hashing spreads neighbouring keys."""


@dataclass(frozen=True, eq=False)
class Packed:
    """The numpy arrays of a Membership, built once for all devices and processes."""

    n_users: int
    n_items: int
    keys: NDArray[np.int64]
    indptr: NDArray[np.int64]
    bits: NDArray[np.uint8] | None
    bloom: NDArray[np.uint8] | None

    @classmethod
    def of(cls, sets: Csr, *, limit: int = LIMIT) -> "Packed":
        """Build from each user's items; no mask where it would take more than `limit` bytes."""
        keys = sets.keys  # ascending, so a pair that comes again stands beside itself
        if sets.repeated:
            keys = keys[np.diff(keys, prepend=-1) != 0]
        starts = np.arange(sets.n_rows + 1) * sets.n_columns
        width, bits, bloom = -(-sets.n_columns // 8), None, None
        if sets.n_rows * width <= limit:
            at = keys + keys // sets.n_columns * (8 * width - sets.n_columns)
            bits = set_bits(at, sets.n_rows * width).reshape(sets.n_rows, width)
        else:
            size = 1 << max(0, int(BLOOM_BITS * len(keys) - 1).bit_length() - 3)
            bloom = set_bits(bloom_place(torch.from_numpy(keys), size).numpy(), size)
        indptr = np.searchsorted(keys, starts)
        return cls(sets.n_rows, sets.n_columns, keys, indptr, bits, bloom)


def set_bits(places: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """A bit table of `size` bytes, uint8 [size], with 1 at these places [n]."""
    table = np.zeros(size, np.uint8)
    np.bitwise_or.at(table, places >> 3, (1 << (places & 7)).astype(np.uint8))
    return table


def bloom_place(keys: AnyShape, size: int) -> AnyShape:
    """Hash of each key: its bit in a Bloom filter of `size` bytes, a power of 2."""
    return (keys * HASH_FACTOR >> 20) & (8 * size - 1)


def bit_at(bits: AnyShape, places: Pairs) -> Pairs:
    """The bit, 1 or 0, at each of places [T] of a flat bit table, uint8 [T]."""
    shift = (places & 7).to(torch.uint8)
    return bits.index_select(0, places >> 3).bitwise_right_shift_(shift).bitwise_and_(1)


def places_of(items: Pairs, ids: PoolIds, n_items: int, rows: Pairs) -> tuple[Pairs, Pairs]:
    """Each place in ids [K] of each of items [T], beside the item's row [T]: rows and places [n].

    An id may stand in ids several times.
    """
    column = torch.full((n_items,), len(ids), dtype=torch.int32, device=ids.device)
    places = torch.arange(len(ids), dtype=torch.int32, device=ids.device)
    column[ids] = places
    if bool((column.index_select(0, ids) == places).all()):
        place = column.index_select(0, items)
        hits = (place < len(ids)).nonzero().squeeze(1)
        return rows.index_select(0, hits), place.index_select(0, hits)
    by_item, times = ids.argsort(), torch.bincount(ids, minlength=n_items)
    each = times.index_select(0, items)
    rows, before = rows.repeat_interleave(each), each.cumsum(0) - each
    first = (times.cumsum(0) - times).index_select(0, items) - before
    at = first.repeat_interleave(each).add_(torch.arange(len(rows), device=ids.device))
    return rows, by_item.index_select(0, at)


def host_sync_allowed(users: Rows) -> bool:
    """Whether the host may read values of a tensor: on a GPU it would wait for the device."""
    return users.device.type == "cpu"


@dataclass(frozen=True, eq=False)
class Membership:
    """A set of items for each user, with exact and fast look-ups on any device."""

    n_users: int
    n_items: int
    keys: Tensor
    """`user * n_items + item` of every member, ascending, [n] int64."""
    indptr: Tensor
    """Start of each user's keys, [U + 1] int64."""
    bits: Tensor | None
    """Packed mask, [U, ceil(I / 8)] uint8, or None beyond the limit."""
    bloom: Tensor | None = None
    """Bloom filter of the keys, uint8; where `bits` is None."""

    @classmethod
    def of(
        cls, sets: Csr, *, limit: int = LIMIT, device: torch.device | str = "cpu"
    ) -> "Membership":
        """Build from each user's items."""
        return cls.on(Packed.of(sets, limit=limit), device)

    @classmethod
    def on(cls, packed: "Packed", device: torch.device | str = "cpu") -> "Membership":
        """From packed arrays; on the CPU their memory is shared."""
        keys, indptr = (torch.from_numpy(x).to(device) for x in (packed.keys, packed.indptr))
        bits, bloom = (
            None if each is None else torch.from_numpy(each).to(device)
            for each in (packed.bits, packed.bloom)
        )
        return cls(packed.n_users, packed.n_items, keys, indptr, bits, bloom)

    @cached_property
    def sizes(self) -> UserValues:
        """Number of items in each user's set, [U]."""
        return self.indptr.diff()

    @cached_property
    def items(self) -> Pairs:
        """The items of all sets, user by user, [T] int32."""
        return (self.keys % self.n_items).to(torch.int32)

    @cached_property
    def all_have_left(self) -> bool:
        """Whether every user has an item outside the set."""
        return not len(self.sizes) or int(self.sizes.max()) < self.n_items

    @cached_property
    def gaps(self) -> Pairs:
        """`user * (I + 1) + non-members before each member`, ascending, [T]: rank map keys."""
        # Key u I + i becomes u (I + 1) + i less its place in its row; in place, to save memory.
        first = torch.arange(self.n_users, device=self.keys.device) + self.indptr[:-1]
        gaps = first.repeat_interleave(self.sizes, output_size=len(self.keys)).add_(self.keys)
        return gaps.sub_(torch.arange(len(gaps), device=gaps.device))

    def non_member(self, users: Pairs, rank: Pairs) -> Pairs:
        """The item of rank `rank` [T] (from 0) among those not in the set of `users` [T]."""
        wanted = users * (self.n_items + 1) + rank
        return rank + torch.searchsorted(self.gaps, wanted, right=True) - self.indptr[users]

    def contains(self, users: Rows, ids: Ids) -> Mask:
        """Whether each of ids [B, N] is in the set of its row's user (users [B]), bool [B, N]."""
        if self.bits is not None:
            return self._marks(self.bits, users, ids).view(torch.bool).view_as(ids)
        return self._search_any(users.unsqueeze(1) * self.n_items + ids)

    def hits(self, users: Rows, ids: Ids) -> Pairs:
        """Flat ascending places of those ids [B, N] that are in their row's user's set, [T]."""
        if self.bits is not None:
            return self._marks(self.bits, users, ids).nonzero().squeeze(1)
        return self._places((users.unsqueeze(1) * self.n_items + ids).view(-1))

    def _marks(self, bits: Tensor, users: Tensor, ids: Tensor) -> Tensor:
        """1 for a member, else 0, [B * N] uint8; flat, as `index_select` is fastest."""
        at = torch.add(ids, users.unsqueeze(1), alpha=8 * bits.shape[1]).view(-1)
        return bit_at(bits.view(-1), at)

    def contains_shared(self, users: Rows, ids: PoolIds) -> PoolScores:
        """Whether each shared id [K] is in the set of each row's user, bool [B, K]."""
        if self.bits is None or self._sparse(users, len(ids)):
            return self._by_members(users, ids)
        rows, places = self.bits.index_select(0, users), ids >> 3
        if host_sync_allowed(users):  # numpy picks single bytes four times as fast as torch
            inside = torch.from_numpy(np.take(rows.numpy(), places.numpy(), axis=1))
        else:
            inside = rows.index_select(1, places)
        inside.bitwise_right_shift_((ids & 7).to(torch.uint8)).bitwise_and_(1)
        return inside.view(torch.bool)

    def members(self, users: Rows) -> tuple[Pairs, Pairs]:
        """All items in the sets of each row's user, row by row: rows [T] and items [T], int32."""
        device, lengths = users.device, self.sizes.index_select(0, users)
        rows = torch.arange(len(users), device=device).repeat_interleave(lengths)
        first = self.indptr.index_select(0, users) - (lengths.cumsum(0) - lengths)
        at = first.index_select(0, rows).add_(torch.arange(len(rows), device=device))
        return rows, self.items.index_select(0, at)

    def fill_(self, scores: PoolScores, users: Rows, value: float) -> PoolScores:
        """Write `value` at the members of each row's user: scores [B, I], contiguous, in place."""
        if not host_sync_allowed(users):
            every = torch.arange(self.n_items, device=users.device)
            return scores.masked_fill_(self.contains_shared(users, every), value)
        rows, items = self.members(users)
        scores.view(-1).index_fill_(0, rows * self.n_items + items, value)
        return scores

    def _sparse(self, users: Tensor, k: int) -> bool:
        """Whether a pass over all members of these sets is cheaper than a mask of k ids."""
        if not host_sync_allowed(users):
            return False
        cells = len(users) * ((self.n_items >> 3) + k)
        return MEMBER_COST * int(self.sizes.index_select(0, users).sum()) < cells

    def _by_members(self, users: Tensor, ids: Tensor) -> Tensor:
        """[B, K] from the members of each row, fewer than its cells: where each stands in ids."""
        rows, items = self.members(users)
        rows, place = places_of(items, ids, self.n_items, rows)
        inside = torch.zeros(len(users), len(ids), dtype=torch.bool, device=users.device)
        inside.view(-1).index_fill_(0, rows * len(ids) + place, True)
        return inside

    def _search_any(self, wanted: Tensor) -> Tensor:
        if self.bloom is not None and wanted.device.type == "cpu":
            inside = torch.zeros_like(wanted, dtype=torch.bool)
            inside.view(-1)[self._places(wanted.view(-1))] = True
            return inside
        return self._equal(wanted)

    def _places(self, wanted: Tensor) -> Tensor:
        """Ascending places of those wanted keys [n] that are among the keys."""
        if self.bloom is None:
            return self._equal(wanted).nonzero().squeeze(1)
        through = bit_at(self.bloom, bloom_place(wanted, len(self.bloom))).nonzero().squeeze(1)
        return through[self._equal(wanted.index_select(0, through))]

    def _equal(self, wanted: Tensor) -> Tensor:
        """Whether each of wanted [...] is one of the keys, by search, without the Bloom filter."""
        if not len(self.keys):
            return torch.zeros_like(wanted, dtype=torch.bool)
        at = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
        return self.keys[at] == wanted
