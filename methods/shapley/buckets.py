"""Buckets of triplets: by the hardness of the negative, and by how often it is met in train."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

SAMPLE = 1 << 20
"""Values that a quantile is told from, at most."""


@dataclass(frozen=True, eq=False)
class Buckets:
    """Quantiles of both, crossed."""

    hardness: Tensor
    """Inner edges, ascending."""
    counts: Tensor
    """Inner edges, ascending."""

    @classmethod
    def of(cls, hardness: Tensor, counts: Tensor, by_hardness: int, by_count: int) -> Self:
        """As many buckets of each, alike in size as far as ties allow, from values [T]."""
        return cls(edges(hardness, by_hardness), edges(counts, by_count))

    @property
    def n(self) -> int:
        """How many in all."""
        return (len(self.hardness) + 1) * (len(self.counts) + 1)

    def which(self, hardness: Tensor, counts: Tensor) -> Tensor:
        """The bucket of each triplet, of any shape."""
        by_count = torch.bucketize(counts.contiguous(), self.counts)
        return (
            torch.bucketize(hardness.contiguous(), self.hardness) * (len(self.counts) + 1)
            + by_count
        )


def edges(values: Tensor, n: int) -> Tensor:
    """The n - 1 inner quantiles of values [T]."""
    stride = -(-len(values) // SAMPLE)
    ordered = values[::stride].sort().values
    at = torch.arange(1, n, device=values.device) * (len(ordered) - 1) // n
    return ordered[at]


def means(values: Tensor, which: Tensor, n: int) -> Tensor:
    """The mean of values [T] in each of n buckets, [n]; the mean of all where one is empty."""
    sums = values.new_zeros(n).index_add_(0, which, values)
    counts = torch.bincount(which, minlength=n)
    return torch.where(counts > 0, sums / counts.clamp(min=1), values.mean())
