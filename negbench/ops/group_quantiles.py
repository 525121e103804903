"""Quantiles of values by group (the pairs of a user), without a loop over groups."""

import torch

from negbench.ops.axes import Pairs, UserValues


def quantiles(groups: Pairs, values: Pairs, n: int, alpha: float) -> UserValues:
    """The lower alpha-quantile of the values [T] of each group, [n]; of all where a group is empty.

    `groups` [T] holds each value's group, 0 to n - 1.
    """
    order = torch.argsort(values)
    order = order[torch.argsort(groups[order], stable=True)]
    sizes = torch.bincount(groups, minlength=n)
    at = sizes.cumsum(0) - sizes + (alpha * (sizes - 1).clamp(min=0)).long()
    whole = values.sort().values[int(alpha * (len(values) - 1))]
    return torch.where(sizes > 0, values[order][at.clamp(max=len(values) - 1)], whole)
