"""Nearest-item search: map a synthesised vector to the closest item outside its user's exclusion.

Generated negatives have no id; counted as their nearest item, they appear in the same tables as
sampled ones.
"""

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.parts.score_space import items_of
from negbench.protocol import (
    Ids,
    ItemVectors,
    Negatives,
    NegativeVectors,
    Rows,
    Scores,
    Step,
    Vectors,
)

BLOCK = 1 << 22
"""Vectors x items compared at once."""
SHARPNESS, TOP = 0.1, 5
"""Temperature of the softmax over cosines, and how many of the nearest its share is taken of."""


@torch.no_grad()
def nearest(step: Step, vectors: Vectors, pool: Negatives | None = None) -> Negatives:
    """The item nearest to vectors [B, D], in a pool [B, M] or in the whole catalogue: ids [B, 1].

    Euclidean, in the space in which scores are dot products; never the row's positive.
    """
    if pool is not None:
        return _nearest_in(pool, step, vectors)
    blocks = _closeness(
        items_of(step), step, vectors.detach().unsqueeze(1), step.batch.users, step.batch.items
    )
    best, ids = _concatenated(block.squeeze(1).max(1, keepdim=True) for block in blocks)
    return Negatives(ids, mask=best.isfinite())


@torch.no_grad()
def nearest_by_cosine(step: Step, vectors: Vectors, rows: Rows) -> tuple[Rows, Rows, Rows]:
    """The nearest item by cosine of vectors [r, D] that belong to rows [r] of the batch.

    Returns ids, cosines, and the share of softmax(cos / .1) in the five nearest, [r] each; never
    the row's positive.
    """
    users, positives = step.batch.users[rows], step.batch.items[rows]
    items = items_of(step)
    ids, cosines, shares = [], [], []
    for near in _closeness(items, step, vectors.unsqueeze(1), users, positives, "cosine"):
        near = near.squeeze(1)
        cosine, at = near.max(1)
        share = (near / SHARPNESS).softmax(1).topk(min(TOP, near.shape[1]), 1).values.sum(1)
        ids.append(at)
        cosines.append(cosine)
        shares.append(share)
    return torch.cat(ids), torch.cat(cosines), torch.cat(shares)


@torch.no_grad()
def nearest_to_each(step: Step, vectors: NegativeVectors, users: Rows) -> tuple[Ids, Scores]:
    """The nearest item by cosine of vectors [r, N, D], and its distance 1 - cosine: [r, N] each.

    It may be a positive outside the exclusion; the distance is 3 where all items are excluded.
    """
    items = step.view.items.detach()
    items = items if step.view.through is None else step.view.through(items)
    blocks = _closeness(items, step, vectors, users, None, "cosine")
    cosines, ids = _concatenated(block.max(-1) for block in blocks)
    return ids, 1 - cosines.clamp(min=-2.0)


def _closeness(
    items: ItemVectors,
    step: Step,
    vectors: NegativeVectors,
    users: Rows,
    positives: Rows | None,
    metric: Literal["euclidean", "cosine"] = "euclidean",
) -> Iterator[Tensor]:
    """Closeness of each item to vectors [r, N, D], greater is closer: blocks of rows [b, N, I].

    Minus infinity at the items excluded for the row's user, and at the row's positive if given.
    """
    if metric == "cosine":
        items = F.normalize(items, dim=-1)
    every = torch.arange(len(items), device=items.device)
    size = max(1, BLOCK // (len(items) * max(1, vectors.shape[1])))
    for rows in torch.split(torch.arange(len(vectors), device=vectors.device), size):
        some = vectors[rows]
        if metric == "cosine":
            close = F.normalize(some, dim=-1) @ items.T
        else:  # |x|^2 is the same for all items
            close = 2 * some @ items.T - (items**2).sum(1)
        taken = step.context.excluded.contains_shared(users[rows], every)
        if positives is not None:
            taken.scatter_(1, positives[rows].unsqueeze(1), True)
        yield close.masked_fill_(taken.unsqueeze(1), -torch.inf)


def _nearest_in(pool: Negatives, step: Step, vectors: Vectors) -> Negatives:
    assert pool.ids is not None
    items = items_of(step, pool.ids)
    distance = torch.linalg.vector_norm(items - vectors.detach().unsqueeze(1), dim=-1)
    taken = pool.ids == step.batch.items.unsqueeze(1)
    if pool.mask is not None:
        taken |= ~pool.mask
    distance, at = distance.masked_fill(taken, torch.inf).min(1, keepdim=True)
    return Negatives(pool.ids.gather(1, at), mask=distance.isfinite())


def _concatenated(pairs: Iterator[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    values, places = zip(*pairs, strict=True)
    return torch.cat(values), torch.cat(places)
