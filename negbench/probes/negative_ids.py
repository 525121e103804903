"""The negatives of many steps as item ids alone, joined so that they are counted at once.

Of a small step each call costs more than its work, so a step is only noted, without a copy.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

from negbench.ops.axes import Ids, Mask, Rows
from negbench.protocol.step import Negatives, Step

JOINED = 1 << 17
"""Negatives that are joined at most, before the last step is added."""


@dataclass(frozen=True, eq=False)
class NegativeIds:
    """Users [B], and the ids used [B, N] and drawn [B, M] with their masks."""

    users: Rows
    ids: Ids
    mask: Mask
    drawn: Ids
    drawn_mask: Mask

    @cached_property
    def n(self) -> Rows:
        """Number of used negatives of each row, [B]."""
        return self.mask.sum(1)


class StepsToCount:
    """Steps whose negatives are still to be counted."""

    def __init__(self) -> None:
        """No step."""
        self.users: list[Rows] = []
        self.used: list[tuple[Ids, Mask | None]] = []
        self.drawn: list[tuple[Ids, Mask | None]] = []

    def add(self, step: Step, drawn: Negatives, used: Negatives, most: int) -> None:
        """Note at most `most` evenly spaced rows of a step, if its negatives are known by id."""
        if used.record_ids is None or not used.n:
            return
        if drawn.ids is None or not drawn.n:
            return
        every = -(-len(step.batch) // max(1, most))
        users = step.batch.users[::every]
        self.users.append(users)
        self.used.append(_ids(used, every, len(users)))
        self.drawn.append(self.used[-1] if drawn is used else _ids(drawn, every, len(users)))

    @property
    def full(self) -> bool:
        """Whether so many negatives are noted that they should be counted."""
        return sum(ids.numel() for ids, _ in self.used) >= JOINED

    def take(self) -> list[NegativeIds]:
        """All that is noted, joined where steps have the same number of negatives; forgets it."""
        groups: dict[tuple[int, int], list[int]] = {}
        for at, pair in enumerate(zip(self.used, self.drawn, strict=True)):
            n, m = (ids.shape[1] for ids, _ in pair)
            groups.setdefault((n, m), []).append(at)
        joined = []
        for places in groups.values():
            users = torch.cat([self.users[at] for at in places])
            used = _joined([self.used[at] for at in places])
            same = all(self.drawn[at] is self.used[at] for at in places)
            drawn = used if same else _joined([self.drawn[at] for at in places])
            joined.append(NegativeIds(users, *used, *drawn))
        self.users, self.used, self.drawn = [], [], []
        return joined


def _ids(negatives: Negatives, every: int, n: int) -> tuple[Ids, Mask | None]:
    """Views of the ids of every so many rows, n in all, and of their mask."""
    assert negatives.ids is not None
    shared = negatives.ids.expand(n, -1) if negatives.shared else negatives.ids[::every]
    return shared, None if negatives.mask is None else negatives.mask[::every]


def _joined(parts: list[tuple[Ids, Mask | None]]) -> tuple[Ids, Mask]:
    ids = torch.cat([ids for ids, _ in parts])
    if all(mask is None for _, mask in parts):
        return ids, torch.ones_like(ids, dtype=torch.bool)
    masks = [torch.ones_like(i, dtype=torch.bool) if m is None else m for i, m in parts]
    return ids, torch.cat(masks)
