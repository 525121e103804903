"""Synthesised negatives have no id: each is counted as the item that it comes nearest to.

Nearest by cosine among the items that its user has not had, so that generators stand in the same
tables as samplers; the distance 1 - cosine says how far off the catalogue they are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.values import Step

BLOCK = 1 << 22
"""Cosines that are held at once."""


def snap(step: Step, vectors: Tensor, users: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest allowed item of each vector [r, N, D], and its cosine distance, [r, N] each."""
    items = F.normalize(step.view.items.detach(), dim=-1)
    if step.view.through is not None:
        items = F.normalize(step.view.through(step.view.items.detach()), dim=-1)
    everything = torch.arange(len(items), device=items.device)
    ids, distances = [], []
    size = max(1, BLOCK // (len(items) * max(1, vectors.shape[1])))
    for some, who in zip(torch.split(vectors, size), torch.split(users, size), strict=True):
        cosines = F.normalize(some, dim=-1) @ items.T
        had = step.world.excluded.contains_shared(who, everything)
        best, at = cosines.masked_fill_(had.unsqueeze(1), -2.0).max(-1)
        ids.append(at)
        distances.append(1 - best)
    return torch.cat(ids), torch.cat(distances)
