"""The items that each user has liked, and the mean of their vectors."""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.ops import rng
from negbench.protocol import Csr


@dataclass(frozen=True, eq=False)
class Liked:
    """The train pairs on a device, user by user."""

    indptr: Tensor
    """Where each user's items begin, [U + 1]."""
    items: Tensor
    """Item ids, user by user, [n]."""

    @classmethod
    def of(cls, train: Csr, device: torch.device) -> Self:
        """From the train part."""
        indptr = torch.tensor(train.indptr, device=device)
        return cls(indptr, torch.tensor(train.indices, device=device).long())

    def sizes(self, users: Tensor) -> Tensor:
        """How many items each of users [b] has liked, [b]."""
        return self.indptr[users + 1] - self.indptr[users]

    def mean(self, vectors: Tensor, users: Tensor) -> Tensor:
        """The mean vector [b, D], of item vectors [I, D]; 0 for a user without history."""
        sizes = self.sizes(users)
        offsets = sizes.cumsum(0) - sizes
        place = torch.arange(int(sizes.sum()), device=users.device)
        at = place + (self.indptr[users] - offsets).repeat_interleave(sizes)
        made: Tensor = F.embedding_bag(self.items[at], vectors, offsets, mode="mean")
        return made


def noise_of_users(seed: int, n_users: int, like: Tensor) -> Tensor:
    """Standard normal noise [U, D] for ranking, of the type and on the device of `like` [.., D]."""
    generator = rng.stream(seed, "ranking noise")
    return torch.randn(n_users, like.shape[-1], generator=generator).to(like)
