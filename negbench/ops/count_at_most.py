"""How many scores of a row are at most each of some levels: ranks, without a sort of the row."""

import torch

from negbench.ops import row_kernels
from negbench.ops.axes import Ids, Scores
from negbench.ops.masked_fill import count_true
from negbench.ops.sorted_rows import sorted_rows

COMPILED, FEW = 64, 2 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
"""Up to so many levels a row, counting takes less than sorting: by compiled loops, and by torch.

With AVX-512 numpy sorts several times faster. The counts are the same either way.
"""


def count_at_most(scores: Scores, levels: Scores) -> Ids:
    """The number of scores [B, K] that are at most each of levels [B, M]: int64 [B, M].

    Without a gradient.
    """
    scores, levels = scores.detach(), levels.detach().contiguous()
    if levels.shape[1] <= COMPILED and row_kernels.applies(scores, levels):
        counts = torch.empty(levels.shape, dtype=torch.int64)
        row_kernels.run("count_at_most", scores, levels, counts)
        return counts
    if levels.shape[1] > FEW:
        return torch.searchsorted(sorted_rows(scores), levels, right=True)
    each = [count_true(scores <= one.unsqueeze(1)) for one in levels.unbind(1)]
    return torch.stack(each, 1).long() if each else levels.new_empty(levels.shape).long()
