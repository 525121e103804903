"""What a generator of hard negatives learns from: the backbone as it stands, and words.

    C = M random items outside u's train items, the same M for all rows of a batch
    dropped: cos(t_j, tbar_u) and max_p cos(e_j, e_p), p among u's items, both in the top 5 %
    j* = argmax over the rest of  w z(e_u.e_j) + (1 - w) z(cos(t_j, t_i))       z: over u's C

How HNLMRec finds the item that stands for a hard negative is not known; this rule is ours. Dropped
are items in line with the user by words and by behaviour: likely false negatives. All vectors are
without gradient, so a lesson moves the generator alone.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.ops.group_quantiles import quantiles
from negbench.protocol import TrainContext

from .criteria import read_out
from .text_space import TextSpace

FALSE = 0.95
HARD = 0.9
POSITIVES = 8
"""Of a user's items, so many random ones stand for all where behaviour is compared."""
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class FrozenVectors:
    """Vectors as they are scored, and what is measured on them once a round."""

    items: Tensor
    users: Tensor
    directions: Tensor
    """The items' vectors at length 1."""
    context: TrainContext
    space: TextSpace
    out: tuple[Tensor, ...]
    """The read-out R from vectors to words."""
    topic: Tensor
    """m_u, the median of cos(R e_i, tbar_u) over u's items, [U]."""
    starts: Tensor
    lengths: Tensor
    had: Tensor
    """The train items of all users, one after the other, [n]."""

    @classmethod
    @torch.no_grad()
    def of(cls, items: Tensor, users: Tensor, context: TrainContext, space: TextSpace) -> Self:
        """From item vectors [I, D] and user vectors [U, D]."""
        device = items.device
        who = torch.tensor(context.train.rows, device=device)
        had = torch.tensor(context.train.indices, device=device).long()
        out = read_out(items, space.items, space.known)
        directions = F.normalize(items, dim=1)
        near = (F.normalize(_read(out, items), dim=1)[had] * space.users[who]).sum(1)
        topic = quantiles(who, near, context.n_users, 0.5)
        starts = torch.tensor(context.train.indptr[:-1], device=device)
        lengths = torch.tensor(context.train.lengths, device=device)
        return cls(items, users, directions, context, space, out, topic, starts, lengths, had)

    def near_topic(self, made: Tensor, users: Tensor) -> Tensor:
        """cos(R g, tbar_u) of vectors [B, D], [B]."""
        return F.cosine_similarity(_read(self.out, made), self.space.users[users])

    def some_of(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """A few of each user's train items, [B, P], with repeats."""
        share = torch.rand(len(users), POSITIVES, generator=generator, device=users.device)
        length = self.lengths[users].unsqueeze(1)
        at = (share * length).long().clamp(max=length - 1)
        return self.had[self.starts[users].unsqueeze(1) + at]


@dataclass(frozen=True, eq=False)
class Mined:
    """The candidates of a batch and what was found among them."""

    ids: Tensor
    """C, [M]."""
    target: Tensor
    """j*, [B]."""
    found: Tensor
    """Rows that have one, [B]."""
    spread: Tensor
    """sd of the user's scores, [B]."""
    high: Tensor
    """Their 0.9-quantile, [B]."""


@torch.no_grad()
def mine(
    frozen: FrozenVectors,
    users: Tensor,
    items: Tensor,
    m: int,
    w: float,
    generator: torch.Generator,
) -> Mined:
    """The hard negative that each row's generated one is pulled to."""
    context, space = frozen.context, frozen.space
    ids = torch.randint(context.n_items, (m,), generator=generator, device=users.device)
    allowed = ~context.excluded.contains_shared(users, ids) & (ids != items.unsqueeze(1))
    scores = frozen.users[users] @ frozen.items[ids].T
    alike = space.items[items] @ space.items[ids].T
    worded = allowed & space.known[ids] & space.known[items].unsqueeze(1)
    wanted = w * standard(scores, allowed)[0] + (1 - w) * standard(alike, worded)[0]
    left = allowed & ~agreeing(frozen, users, ids, allowed, generator)
    at = wanted.masked_fill(~left, -torch.inf).argmax(1)
    spread, high = standard(scores, allowed)[1], upper(scores, allowed, HARD)
    return Mined(ids, ids[at], left.any(1), spread, high)


def agreeing(
    frozen: FrozenVectors, users: Tensor, ids: Tensor, allowed: Tensor, generator: torch.Generator
) -> Tensor:
    """Candidates [B, M] in line with the user by words and by behaviour."""
    topic = frozen.space.users[users] @ frozen.space.items[ids].T
    own = frozen.directions[frozen.some_of(users, generator)]
    close = (own @ frozen.directions[ids].T).amax(1)
    by_words = topic >= upper(topic, allowed, FALSE).unsqueeze(1)
    return by_words & (close >= upper(close, allowed, FALSE).unsqueeze(1))


def standard(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """z over each row's masked values [B, M] (0 elsewhere), and their spread [B], above 0."""
    n = mask.sum(1, keepdim=True).clamp(min=1)
    apart = (values - (values * mask).sum(1, keepdim=True) / n) * mask
    spread = (apart.square().sum(1, keepdim=True) / n).sqrt().clamp(min=TINY)
    return apart / spread, spread.squeeze(1)


def upper(values: Tensor, mask: Tensor, q: float) -> Tensor:
    """The q-quantile of each row's masked values [B, M], from above; -inf where there are none."""
    most = int((1 - q) * values.shape[1]) + 1
    ordered = values.masked_fill(~mask, -torch.inf).topk(min(most, values.shape[1]), 1).values
    at = ((1 - q) * mask.sum(1)).long().clamp(max=ordered.shape[1] - 1)
    return ordered.gather(1, at.unsqueeze(1)).squeeze(1)


def _read(out: tuple[Tensor, ...], vectors: Tensor) -> Tensor:
    weights, at, to = out
    return (vectors - at) @ weights + to
