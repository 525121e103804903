"""Negatives from a band of each user's preference ranks: rank_band(preferences, low, high).

    j ~ U{j not excluded : floor(low I) <= rank_u(j) < ceil(high I)},   rank 0 = liked best

A band in the middle of the list is easy but safe: what the user would like is ranked above it.
Each user keeps the two scores between which the band lies, found in one pass over U I scores; a
draw proposes items evenly and takes the first that scores between them, which is an even draw.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from negbench.ops.sampled_dot import chosen
from negbench.protocol import Membership

BLOCK = 1 << 22
"""Scores that are worked on at once."""
SPARE = 4.0
"""Proposals for each that is expected in the band: e^-4, 2 % of the rows, need the exact way."""
ROUNDING = 1e-5
"""Scores this close, relative to the row's largest, are ties: two ways to sum one product."""


@dataclass(frozen=True, eq=False)
class Preferences:
    """What users are thought to like, as a product of users [U, H] and items [I, H]."""

    users: Tensor
    items: Tensor

    def every(self, users: Tensor) -> Tensor:
        """The scores of all items for users [b], [b, I]."""
        return self.users[users] @ self.items.T

    def pairs(self, users: Tensor, ids: Tensor) -> Tensor:
        """The scores of ids [b, n] for users [b]."""
        return chosen(self.users[users], self.items, ids)


@dataclass(frozen=True, eq=False)
class RankBand:
    """The band of every user: its lowest and its highest score, [U] each."""

    preferences: Preferences
    least: Tensor
    most: Tensor
    share: float

    @classmethod
    @torch.no_grad()
    def of(cls, preferences: Preferences, low: float, high: float) -> Self:
        """Ranks from share `low` to share `high` of the catalogue, at least one of them."""
        n_items = len(preferences.items)
        first = min(math.floor(low * n_items), n_items - 1)
        last = max(first, math.ceil(high * n_items) - 1)
        users = torch.arange(len(preferences.users), device=preferences.users.device)
        ends: list[Tensor] = []
        for block in blocks(users, n_items):
            scores = preferences.every(block)
            slack = ROUNDING * scores.abs().amax(1)
            least, most = at_ranks(scores, last, first)
            ends.append(torch.stack([least - slack, most + slack]))
        least, most = torch.cat(ends, 1)
        return cls(preferences, least, most, (last - first + 1) / n_items)

    def holds(self, users: Tensor, scores: Tensor) -> Tensor:
        """Are these scores [b, n] in the bands of users [b]?"""
        least, most = self.least[users].unsqueeze(1), self.most[users].unsqueeze(1)
        return (scores >= least) & (scores <= most)

    @torch.no_grad()
    def draw(
        self, users: Tensor, excluded: Membership, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """An item for each of users [B] and whether there was one, [B, 1] each."""
        n_items, device = len(self.preferences.items), users.device
        shape = (len(users), min(n_items, math.ceil(SPARE / self.share)))
        ids = torch.randint(n_items, shape, generator=generator, device=device)
        fit = self.holds(users, self.preferences.pairs(users, ids))
        fit &= ~excluded.contains(users, ids)
        found, place = fit.max(1, keepdim=True)
        made = ids.gather(1, place)
        rows = (~found.squeeze(1)).nonzero().squeeze(1)
        for block in blocks(rows, n_items):
            made[block], found[block] = self.exactly(users[block], excluded, generator)
        return made, found

    def exactly(
        self, users: Tensor, excluded: Membership, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The same by looking at all items, for rows that no proposal suited."""
        every = torch.arange(len(self.preferences.items), device=users.device)
        fit = self.holds(users, self.preferences.every(users))
        fit &= ~excluded.contains_shared(users, every)
        many = fit.sum(1, keepdim=True)
        share = torch.rand(many.shape, generator=generator, device=users.device)
        wanted = (share * many).long().clamp(max=(many - 1).clamp(min=0)) + 1
        ids = torch.searchsorted(fit.cumsum(1), wanted).clamp_(max=len(every) - 1)
        return ids, many > 0


def at_ranks(scores: Tensor, *ranks: int) -> list[Tensor]:
    """The score at each rank of the rows [b, I], 0 the greatest, [b] each; may reorder `scores`."""
    places = [scores.shape[1] - 1 - rank for rank in ranks]
    if scores.device.type != "cpu":
        return [scores.kthvalue(place + 1, 1)[0] for place in places]
    scores.numpy().partition(places, 1)  # half the time of `kthvalue`, which seeks each alone
    return [scores[:, place].clone() for place in places]


def blocks(rows: Tensor, width: int) -> tuple[Tensor, ...]:
    """Rows [n] in even parts, each of about `BLOCK` cells of this width at most."""
    return rows.tensor_split(max(1, -(-len(rows) * width // BLOCK)))
