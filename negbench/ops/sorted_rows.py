"""Each row of scores in rising order, as fast as the device allows."""

import numpy as np
import torch

from negbench.ops.axes import Scores


def sorted_rows(scores: Scores) -> Scores:
    """Rows of scores [B, N] in rising order, without a gradient."""
    scores = scores.detach()
    if scores.device.type == "cpu":  # a tenth of the time of torch's own
        return torch.from_numpy(np.sort(scores.numpy(), 1))
    return scores.sort(1).values
