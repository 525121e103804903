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
    """Write `value` where mask [B, N] is False, of the shape of `values`; give `values` back."""
    if values.device.type != "cpu" or values.stride(1) != 1:
        values.detach().masked_fill_(~mask, value)
        return values
    (rows, n), step = values.shape, values.stride(0)
    at = torch.from_numpy(np.flatnonzero(~mask.numpy()))
    if step != n:  # columns of a wider table
        at += at // n * (step - n)
    flat = values.detach().as_strided(((rows - 1) * step + n if rows and n else 0,), (1,))
    flat.index_fill_(0, at, value)
    return values


def how_many(mask: Tensor) -> Tensor:
    """How many of each row [B, N] are True, int32 [B]; a sum of bool takes twice as long."""
    return mask.view(torch.uint8).sum(1, dtype=torch.int32)
