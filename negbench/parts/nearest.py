"""From a synthesised negative to a real one: the nearest item that its user has not had."""

import torch
from torch import Tensor

from negbench.parts.score_space import items_of
from negbench.protocol import Negatives, Step

BLOCK = 1 << 22
"""Distances that are held at once."""


@torch.no_grad()
def nearest(step: Step, vectors: Tensor, pool: Negatives | None = None) -> Negatives:
    """The item closest to vectors [B, D], in a pool [B, M] or of the whole catalogue: ids [B, 1].

    Euclidean, in the space in which scores are products; the row's positive is never taken.
    """
    if pool is not None:
        assert pool.ids is not None
        items = items_of(step, pool.ids)
        distance = torch.linalg.vector_norm(items - vectors.detach().unsqueeze(1), dim=-1)
        taken = pool.ids == step.batch.items.unsqueeze(1)
        if pool.mask is not None:
            taken |= ~pool.mask
        distance, at = distance.masked_fill(taken, torch.inf).min(1, keepdim=True)
        return Negatives(pool.ids.gather(1, at), mask=distance.isfinite())
    found = [_among_all(step, rows) for rows in _blocks(step, vectors)]
    ids, mask = (torch.cat(parts) for parts in zip(*found, strict=True))
    return Negatives(ids, mask=mask)


def _blocks(step: Step, vectors: Tensor) -> list[tuple[Tensor, Tensor]]:
    size = max(1, BLOCK // step.world.n_items)
    every = torch.arange(len(vectors), device=vectors.device)
    return list(zip(torch.split(every, size), torch.split(vectors.detach(), size), strict=True))


def _among_all(step: Step, block: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    rows, vectors = block
    everything = torch.arange(step.world.n_items, device=rows.device)
    items = items_of(step)
    # |x|^2 is the same for all items.
    distance = (items**2).sum(1) - 2 * vectors @ items.T
    taken = step.world.excluded.contains_shared(step.batch.users[rows], everything)
    taken.scatter_(1, step.batch.items[rows].unsqueeze(1), True)
    least, at = distance.masked_fill_(taken, torch.inf).min(1, keepdim=True)
    return at, least.isfinite()
