"""Mines the hard negatives that a generator is trained towards: by frozen vectors and by words.

    C = M random items outside u's train items, the same M for all rows of a batch
    dropped: cos(t_j, tbar_u) and max_p cos(e_j, e_p), p among u's items, both in the top 5 %
    j* = argmax over the rest of  w z(e_u.e_j) + (1 - w) z(cos(t_j, t_i))       z: over u's C

How HNLMRec finds the item that stands for a hard negative is not known; this rule is ours. Dropped
are items in line with the user by words and by behaviour: likely false negatives. All vectors are
without gradient, so a training round moves the generator alone.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.ops.group_quantiles import quantiles
from negbench.ops.sorted_rows import sorted_rows
from negbench.protocol import (
    Ids,
    ItemVectors,
    PoolIds,
    PoolScores,
    Rows,
    TrainContext,
    UserVectors,
    Vectors,
)

from .criteria import Readout, fit_readout
from .text_space import TextSpace

FALSE = 0.95
HARD = 0.9
POSITIVES = 8
"""Random train items of a user that stand for all of them where behaviour is compared."""
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class FrozenVectors:
    """The backbone's vectors as they are scored, and what is measured on them once a round."""

    items: Tensor
    users: Tensor
    directions: Tensor
    """The items' vectors at length 1."""
    context: TrainContext
    space: TextSpace
    readout: Readout
    """R, from vectors to words."""
    topic: Tensor
    """m_u, the median of cos(R e_i, tbar_u) over u's items, [U]."""
    starts: Tensor
    lengths: Tensor
    train_items: Tensor
    """The train items of all users, user by user, [n]."""

    @classmethod
    @torch.no_grad()
    def of(
        cls, items: ItemVectors, users: UserVectors, context: TrainContext, space: TextSpace
    ) -> Self:
        """From item vectors [I, D] and user vectors [U, D]."""
        device = items.device
        rows = torch.tensor(context.train.rows, device=device)
        train_items = torch.tensor(context.train.indices, device=device).long()
        readout = fit_readout(items, space.items, space.known)
        directions = F.normalize(items, dim=1)
        predicted = F.normalize(readout.texts(items), dim=1)
        near = (predicted[train_items] * space.users[rows]).sum(1)
        topic = quantiles(rows, near, context.n_users, 0.5)
        starts = torch.tensor(context.train.indptr[:-1], device=device)
        lengths = torch.tensor(context.train.lengths, device=device)
        return cls(
            items, users, directions, context, space, readout, topic, starts, lengths, train_items
        )

    def near_topic(self, vectors: Vectors, users: Rows) -> Rows:
        """cos(R g, tbar_u) of vectors [B, D], [B]."""
        return F.cosine_similarity(self.readout.texts(vectors), self.space.users[users])

    def sample_train_items(self, users: Rows, generator: torch.Generator) -> Ids:
        """A few of each user's train items, drawn with replacement, [B, P]."""
        share = torch.rand(len(users), POSITIVES, generator=generator, device=users.device)
        length = self.lengths[users].unsqueeze(1)
        at = (share * length).long().clamp(max=length - 1)
        return self.train_items[self.starts[users].unsqueeze(1) + at]


@dataclass(frozen=True, eq=False)
class MinedTargets:
    """The candidates of a batch and the hard negative of each row among them."""

    ids: Tensor
    """C, [M]."""
    target: Tensor
    """j*, [B]."""
    has_target: Tensor
    """Rows that have one, [B]."""
    spread: Tensor
    """sd of the user's scores, [B]."""
    high: Tensor
    """Their 0.9-quantile, [B]."""


@torch.no_grad()
def mine_targets(
    frozen: FrozenVectors,
    users: Rows,
    items: Rows,
    m: int,
    w: float,
    generator: torch.Generator,
) -> MinedTargets:
    """The hard negative that the generated one of each row is pulled to."""
    context, space = frozen.context, frozen.space
    ids = torch.randint(context.n_items, (m,), generator=generator, device=users.device)
    allowed = ~context.excluded.contains_shared(users, ids) & (ids != items.unsqueeze(1))
    scores = frozen.users[users] @ frozen.items[ids].T
    alike = space.items[items] @ space.items[ids].T
    worded = allowed & space.known[ids] & space.known[items].unsqueeze(1)
    (by_score, spread), (by_words, _) = standardise(scores, allowed), standardise(alike, worded)
    wanted = w * by_score + (1 - w) * by_words
    left = allowed & ~likely_false_negatives(frozen, users, ids, allowed, generator)
    at = wanted.masked_fill(~left, -torch.inf).argmax(1)
    high = upper_quantile(scores, allowed, HARD)
    return MinedTargets(ids, ids[at], left.any(1), spread, high)


def likely_false_negatives(
    frozen: FrozenVectors,
    users: Rows,
    ids: PoolIds,
    allowed: PoolScores,
    generator: torch.Generator,
) -> PoolScores:
    """Mask of the candidates [B, M] in line with the user by words and by behaviour."""
    topic = frozen.space.users[users] @ frozen.space.items[ids].T
    own = frozen.directions[frozen.sample_train_items(users, generator)]
    close = (own @ frozen.directions[ids].T).amax(1)
    by_words = topic >= upper_quantile(topic, allowed, FALSE).unsqueeze(1)
    return by_words & (close >= upper_quantile(close, allowed, FALSE).unsqueeze(1))


def standardise(values: PoolScores, mask: PoolScores) -> tuple[PoolScores, Rows]:
    """z over each row's masked values [B, M] (0 elsewhere), and their spread [B], above 0."""
    n = mask.sum(1, keepdim=True).clamp(min=1)
    apart = (values - (values * mask).sum(1, keepdim=True) / n) * mask
    spread = (apart.square().sum(1, keepdim=True) / n).sqrt().clamp(min=TINY)
    return apart / spread, spread.squeeze(1)


def upper_quantile(values: PoolScores, mask: PoolScores, q: float) -> Rows:
    """The q-quantile of each row's masked values [B, M], from above; -inf where there are none."""
    rising = sorted_rows(values.masked_fill(~mask, -torch.inf))
    above = ((1 - q) * mask.sum(1)).long().clamp(max=values.shape[1] - 1)
    return rising.gather(1, values.shape[1] - 1 - above.unsqueeze(1)).squeeze(1)
