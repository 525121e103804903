"""Statistics of values by group: of a user's pairs, without a loop over users."""

import torch
from torch import Tensor


def quantiles(groups: Tensor, values: Tensor, n: int, alpha: float) -> Tensor:
    """The alpha-quantile (the lower one) of each group's values, [n]; the whole's where empty."""
    order = torch.argsort(values)
    order = order[torch.argsort(groups[order], stable=True)]
    sizes = torch.bincount(groups, minlength=n)
    at = sizes.cumsum(0) - sizes + (alpha * (sizes - 1).clamp(min=0)).long()
    whole = values.sort().values[int(alpha * (len(values) - 1))]
    return torch.where(sizes > 0, values[order][at.clamp(max=len(values) - 1)], whole)
