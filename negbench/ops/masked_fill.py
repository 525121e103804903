"""In-place masked fill, fast where few entries are masked, as in the masks of samplers.

On a CPU the places are listed and written one by one: torch's own `masked_fill` and `where` look at
every cell in turn and take three to ten times as long. Autograd does not see the write, so it is
for values whose gradient is 0 where they are masked, as after a softmax, and for tensors that
nothing else holds.
"""

import numpy as np
import torch

from negbench.ops.axes import Mask, Rows, Scores

ALL = 0x0101010101010101
"""Eight True cells of a mask, read as one number."""
WIDE = 256
"""From so many cells a row on, a sum of such numbers takes less than one of all cells."""


def masked_fill_(values: Scores, mask: Mask, value: float) -> Scores:
    """Write `value` into `values` [B, N] where mask [B, N] is False; returns `values`."""
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


def count_true(mask: Mask) -> Rows:
    """The number of True cells of each row [B, N], int32 [B]; a sum of bool takes twice as long."""
    cells, n = mask.view(torch.uint8), mask.shape[1]
    if n >= WIDE and n % 8 == 0 and mask.is_contiguous() and mask.storage_offset() % 8 == 0:
        # Eight cells as one number, whose product with ALL has their sum in its greatest byte.
        return (cells.view(torch.int64) * ALL >> 56).sum(1).to(torch.int32)
    return cells.sum(1, dtype=torch.int32)
