"""Sharing negatives in a batch: each row's pool is its own negatives and those of similar rows.

    N_u = the floor(rho (G - 1)) rows v of u's group with the largest <h_u, h_v>,   P_u = {u} + N_u

A group is what a paper calls its batch. Here a step may have thousands of rows, and a pool that
grew with them would cost B^2; so rows are put into groups of G in turn, r into group r mod (B / G),
which also keeps the positions of one history apart. No random number is used.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.parts.losses.functions import masked_score
from negbench.protocol import AnyShape, AnyVectors, Mask, Scores, Vectors


@dataclass(frozen=True, eq=False)
class Pool:
    """The rows whose negatives each row uses."""

    rows: Tensor
    """[B, 1 + n] int64, the row itself first."""
    real: Tensor
    """[B, 1 + n] bool, False where a group had too few rows."""
    group: Tensor
    """[B] int64, the group of each row."""
    groups: int
    """Number of groups."""

    @property
    def shares(self) -> bool:
        """Whether rows use the negatives of other rows."""
        return self.rows.shape[1] > 1

    def take(self, values: Scores) -> Scores:
        """Values of own negatives [B, K] gathered for each row's pool, [B, (1 + n) K]."""
        return values[self.rows].flatten(1) if self.shares else values

    def usable(self, own: Mask) -> Mask:
        """The mask of own negatives [B, K] for the pool."""
        if not self.shares:
            return own
        return (own[self.rows] & self.real.unsqueeze(2)).flatten(1)

    def means(self, values: Scores, mask: Mask) -> AnyShape:
        """The mean of [B, P] over the pools of each group, [groups]; 0 where none is left."""
        into = values.new_zeros(2, self.groups)
        into.index_add_(1, self.group, torch.stack([(values * mask).sum(1), mask.sum(1)]))
        return into[0] / into[1].clamp(min=1)


def group_rows(n: int, size: int, device: torch.device | str = "cpu") -> tuple[AnyShape, AnyShape]:
    """Rows 0..n-1 in groups [groups, G] of at most `size`, and which of the places are real."""
    size = max(1, min(size, n))
    groups = -(-n // size)
    rows = torch.arange(size * groups, device=device).view(size, groups).T
    return rows.clamp(max=n - 1), rows < n


def neighbours(states: AnyVectors, real: AnyShape, n: int) -> AnyShape:
    """The n most similar other places of each place: [groups, G, D] -> [groups, G, n]."""
    alike = states @ states.transpose(1, 2)
    # Empty places rank above the place itself, which is never its own neighbour.
    alike = alike.masked_fill(~real.unsqueeze(1), masked_score(alike.dtype))
    own = torch.eye(alike.shape[1], dtype=torch.bool, device=alike.device)
    return alike.masked_fill(own, -torch.inf).topk(n, 2).indices


@torch.no_grad()
def pool_of(
    states: Vectors, rho: float, size: int, similarity: Literal["dot", "cosine"] = "dot"
) -> Pool:
    """The pools of a step's rows by their states [B, D]; rho = 0 shares with none."""
    if similarity == "cosine":
        states = F.normalize(states, dim=1)
    rows, real = group_rows(len(states), size, states.device)
    groups, width = rows.shape
    n = math.floor(rho * (width - 1) + 1e-9)
    own = torch.arange(width, device=rows.device).expand(groups, -1).unsqueeze(2)
    near = neighbours(states[rows], real, n) if n else own[..., :0]
    places = torch.cat([own, near], 2).flatten(1)
    shape = (groups, width, 1 + n)
    sources = rows.gather(1, places).view(shape)
    has_source = real.gather(1, places).view(shape)
    pool_rows = sources.new_zeros(len(states), 1 + n)
    pool_real = has_source.new_zeros(len(states), 1 + n)
    pool_rows[rows[real]], pool_real[rows[real]] = sources[real], has_source[real]
    group = torch.arange(len(states), device=rows.device) % groups
    return Pool(pool_rows, pool_real, group, groups)
