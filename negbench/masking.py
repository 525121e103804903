"""Writing one value where a mask is False, which the masks of samplers seldom are.

On a CPU the places are listed and written one by one: torch's own `masked_fill` and `where` look at
every cell in turn and take three to ten times as long. The write is kept from autograd, so it is
for values whose gradient is 0 where they are hidden, as after a softmax; and for values in which
nobody else has a share.
"""

import numpy as np
import torch
from torch import Tensor


def hide_(values: Tensor, mask: Tensor, value: float) -> Tensor:
    """Write `value` where mask [...] is False, of the shape of `values`; give `values` back."""
    if values.device.type != "cpu" or not values.is_contiguous():
        values.detach().masked_fill_(~mask, value)
    else:
        values.detach().view(-1).index_fill_(0, hidden(mask), value)
    return values


def hidden(mask: Tensor) -> Tensor:
    """Where a mask on the CPU is False: ascending places in it as it lies flat."""
    return torch.from_numpy(np.flatnonzero(~mask.numpy()))


def how_many(mask: Tensor) -> Tensor:
    """How many of each row [B, N] are True, int32 [B]; a sum of bool takes twice as long."""
    return mask.view(torch.uint8).sum(1, dtype=torch.int32)
