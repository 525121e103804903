"""User histories: the train items of each user, and the mean of their vectors."""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.ops import rng
from negbench.protocol import AnyVectors, Csr, ItemVectors, Rows, UserVectors, Vectors


@dataclass(frozen=True, eq=False)
class Liked:
    """The train pairs on a device, user by user."""

    indptr: Tensor
    """Where each user's items begin, [U + 1]."""
    items: Tensor
    """Item ids, user by user, [n]."""

    @classmethod
    def of(cls, train: Csr, device: torch.device) -> Self:
        """The histories of the train part on a device."""
        indptr = torch.tensor(train.indptr, device=device)
        return cls(indptr, torch.tensor(train.indices, device=device).long())

    def sizes(self, users: Rows) -> Rows:
        """Number of train items of each of users [b], [b]."""
        return self.indptr[users + 1] - self.indptr[users]

    def mean(self, vectors: ItemVectors, users: Rows) -> Vectors:
        """Mean item vector of each user's history, [b, D] from [I, D]; 0 without a history."""
        sizes = self.sizes(users)
        offsets = sizes.cumsum(0) - sizes
        place = torch.arange(int(sizes.sum()), device=users.device)
        at = place + (self.indptr[users] - offsets).repeat_interleave(sizes)
        return F.embedding_bag(self.items[at], vectors, offsets, mode="mean")


def noise_of_users(seed: int, n_users: int, like: AnyVectors) -> UserVectors:
    """Standard normal noise [U, D] for ranking, with dtype and device of `like` [.., D]."""
    generator = rng.stream(seed, "ranking noise")
    return torch.randn(n_users, like.shape[-1], generator=generator).to(like)
