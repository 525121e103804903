"""The item that a generated vector stands for: the nearest that its user has not had."""

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.parts.score_space import items_of
from negbench.protocol import Step

SHARP, TOP = 0.1, 5
BLOCK = 1 << 22
"""Cosines that are held at once."""


@torch.no_grad()
def decoded(step: Step, made: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, cosines, and the share of softmax(cos / .1) in the five nearest, [r] each.

    `made` [r, D] are vectors for the rows [r] of the batch; the row's positive is never taken.
    """
    items, size = F.normalize(items_of(step), dim=1), max(1, BLOCK // step.world.n_items)
    blocks = zip(torch.split(made, size), torch.split(rows, size), strict=True)
    found = [_block(step, items, *block) for block in blocks]
    ids, cosines, shares = (torch.cat(parts) for parts in zip(*found, strict=True))
    return ids, cosines, shares


def _block(step: Step, items: Tensor, made: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    near = F.normalize(made, dim=1) @ items.T
    every = torch.arange(len(items), device=made.device)
    had = step.world.excluded.contains_shared(step.batch.users[rows], every)
    had.scatter_(1, step.batch.items[rows].unsqueeze(1), True)
    near.masked_fill_(had, -torch.inf)
    cosine, ids = near.max(1)
    share = (near / SHARP).softmax(1).topk(min(TOP, near.shape[1]), 1).values.sum(1)
    return ids, cosine, share
