"""The rows of a batch by user: what is worked out over all items is worked out once a user."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from negbench.protocol import Ids, Rows


@dataclass(frozen=True, eq=False)
class Group:
    """Some users of a batch and their rows."""

    users: Rows
    """[S]."""
    rows: Rows
    """The rows of these users, [R]."""
    owner: Rows
    """Which of the users has each row, [R]."""
    slot: Rows
    """How many rows of the same user come before it, [R]."""

    def spread(self, drawn: Ids, n: int) -> Ids:
        """n draws of each row [R, n], of those of each user [S, m n]."""
        at = self.slot.unsqueeze(1) * n + torch.arange(n, device=drawn.device)
        return drawn[self.owner.unsqueeze(1), at]


def groups_of(users: Rows, size: int) -> Iterator[tuple[Group, int]]:
    """The users of a batch, `size` at a time, and the most rows that one of them has."""
    order = users.argsort(stable=True)
    unique, counts = torch.unique_consecutive(users[order], return_counts=True)
    ends = counts.cumsum(0)
    owner = torch.arange(len(unique), device=users.device).repeat_interleave(counts)
    slot = torch.arange(len(users), device=users.device) - (ends - counts)[owner]
    for start in range(0, len(unique), size):
        stop = min(start + size, len(unique))
        here = slice(int(ends[start] - counts[start]), int(ends[stop - 1]))
        group = Group(unique[start:stop], order[here], owner[here] - start, slot[here])
        yield group, int(counts[start:stop].max())
