"""The first negative of each row that it may use, of draws that are all from one distribution."""

import torch

from negbench.protocol import Negatives, Step


def first_usable(step: Step, negatives: Negatives) -> Negatives:
    """[B, N] or shared [N] -> [B, 1]: the first that is not masked, or a masked one without any.

    Where N is 0 it is [B, 0].
    """
    if not negatives.n:
        return negatives.per_row(len(step.batch))
    if negatives.mask is None:
        return negatives.take(step.batch.users.new_zeros(len(step.batch), 1))
    return negatives.take(negatives.mask.to(torch.uint8).argmax(1, keepdim=True))
