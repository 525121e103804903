"""Buckets of triplets by the hardness and by the train count of their negative."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from negbench.protocol import AnyShape, Pairs

SAMPLE = 1 << 20
"""Most values that a quantile is computed from."""


@dataclass(frozen=True, eq=False)
class Buckets:
    """The grid of quantiles of hardness x quantiles of train counts."""

    hardness: Tensor
    """Inner edges, ascending."""
    counts: Tensor
    """Inner edges, ascending."""

    @classmethod
    def of(cls, hardness: Pairs, counts: Pairs, by_hardness: int, by_count: int) -> Self:
        """Buckets of equal size, as far as ties allow, from values [T]."""
        return cls(inner_quantiles(hardness, by_hardness), inner_quantiles(counts, by_count))

    @property
    def n(self) -> int:
        """Number of buckets."""
        return (len(self.hardness) + 1) * (len(self.counts) + 1)

    def index(self, hardness: AnyShape, counts: AnyShape) -> AnyShape:
        """The bucket of each triplet, of any shape."""
        by_count = torch.bucketize(counts.contiguous(), self.counts)
        return (
            torch.bucketize(hardness.contiguous(), self.hardness) * (len(self.counts) + 1)
            + by_count
        )


def inner_quantiles(values: Pairs, n: int) -> Pairs:
    """The n - 1 inner quantiles of values [T]."""
    stride = -(-len(values) // SAMPLE)
    ordered = values[::stride].sort().values
    at = torch.arange(1, n, device=values.device) * (len(ordered) - 1) // n
    return ordered[at]


def bucket_means(values: Pairs, buckets: Pairs, n: int) -> Pairs:
    """Mean of values [T] in each of n buckets, [n]; the mean of all where one is empty."""
    sums = values.new_zeros(n).index_add_(0, buckets, values)
    counts = torch.bincount(buckets, minlength=n)
    return torch.where(counts > 0, sums / counts.clamp(min=1), values.mean())
