"""Negatives from a band of each user's preference ranks: rank_band(preferences, low, high).

    j ~ U{j not excluded : floor(low I) <= rank_u(j) < ceil(high I)},   rank 0 = liked best

A band in the middle of the list is easy but safe: what the user would like is ranked above it.
For each user the two scores that bound the band are computed in one pass over U I scores. Sampling
is rejection: of uniform proposals it takes the first that scores between them, which is uniform.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from negbench.ops.sampled_dot import sampled_dot
from negbench.protocol import Ids, ItemScores, Mask, Membership, Rows, Scores

BLOCK = 1 << 22
"""Scores that are computed at once."""
SPARE = 4.0
"""Expected proposals inside the band: e^-4, 2 % of the rows, need exact sampling."""
ROUNDING = 1e-5
"""Scores this close, relative to the row's largest, are ties: two ways to sum one product."""


@dataclass(frozen=True, eq=False)
class Preferences:
    """Predicted preference scores, as a product of users [U, H] and items [I, H]."""

    users: Tensor
    items: Tensor

    def all_scores(self, users: Rows) -> ItemScores:
        """The scores of all items for users [b], [b, I]."""
        return self.users[users] @ self.items.T

    def scores(self, users: Rows, ids: Ids) -> Scores:
        """The scores of ids [b, n] for users [b]."""
        return sampled_dot(self.users[users], self.items, ids)


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
        for block in row_blocks(users, n_items):
            scores = preferences.all_scores(block)
            slack = ROUNDING * scores.abs().amax(1)
            least, most = at_ranks(scores, last, first)
            ends.append(torch.stack([least - slack, most + slack]))
        least, most = torch.cat(ends, 1)
        return cls(preferences, least, most, (last - first + 1) / n_items)

    def contains(self, users: Rows, scores: Scores) -> Scores:
        """Whether scores [b, n] lie in the bands of users [b], bool."""
        least, most = self.least[users].unsqueeze(1), self.most[users].unsqueeze(1)
        return (scores >= least) & (scores <= most)

    @torch.no_grad()
    def sample(
        self, users: Rows, excluded: Membership, generator: torch.Generator
    ) -> tuple[Ids, Mask]:
        """A random item of the band of each of users [B] and whether there is one, [B, 1] each."""
        n_items, device = len(self.preferences.items), users.device
        shape = (len(users), min(n_items, math.ceil(SPARE / self.share)))
        ids = torch.randint(n_items, shape, generator=generator, device=device)
        fit = self.contains(users, self.preferences.scores(users, ids))
        fit &= ~excluded.contains(users, ids)
        accepted, place = fit.max(1, keepdim=True)
        items = ids.gather(1, place)
        rows = (~accepted.squeeze(1)).nonzero().squeeze(1)
        for block in row_blocks(rows, n_items):
            items[block], accepted[block] = self.sample_exact(users[block], excluded, generator)
        return items, accepted

    def sample_exact(
        self, users: Rows, excluded: Membership, generator: torch.Generator
    ) -> tuple[Ids, Mask]:
        """The same by scoring all items, for rows without an accepted proposal."""
        every = torch.arange(len(self.preferences.items), device=users.device)
        fit = self.contains(users, self.preferences.all_scores(users))
        fit &= ~excluded.contains_shared(users, every)
        many = fit.sum(1, keepdim=True)
        share = torch.rand(many.shape, generator=generator, device=users.device)
        wanted = (share * many).long().clamp(max=(many - 1).clamp(min=0)) + 1
        ids = torch.searchsorted(fit.cumsum(1), wanted).clamp_(max=len(every) - 1)
        return ids, many > 0


def at_ranks(scores: ItemScores, *ranks: int) -> list[Rows]:
    """The score at each rank of the rows [b, I], 0 the greatest, [b] each; may reorder `scores`."""
    places = [scores.shape[1] - 1 - rank for rank in ranks]
    if scores.device.type != "cpu":
        return [scores.kthvalue(place + 1, 1)[0] for place in places]
    scores.numpy().partition(places, 1)  # half the time of `kthvalue`, which searches each alone
    return [scores[:, place].clone() for place in places]


def row_blocks(rows: Rows, width: int) -> tuple[Rows, ...]:
    """Rows [n] in equal blocks, each of about `BLOCK` cells of this width at most."""
    return rows.tensor_split(max(1, -(-len(rows) * width // BLOCK)))
