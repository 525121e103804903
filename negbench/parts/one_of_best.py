"""An even draw from the best scored candidates of each row."""

import torch
from torch import Tensor

from negbench.masking import hide_, how_many


def one_of_best(
    scores: Tensor, k: int, generator: torch.Generator, mask: Tensor | None = None
) -> Tensor:
    """The place of one of the k greatest of each row [B, N] that `mask` allows, int64 [B, 1].

    Where fewer are allowed it is one of these, where none is, any. Writes to `scores`.
    """
    many: Tensor | int = k
    if mask is not None:
        many, scores = how_many(mask).clamp_(1, k), hide_(scores, mask, -torch.inf)
    best = scores.topk(k, 1).indices  # falling: what is hidden comes last
    share = torch.rand(len(scores), device=scores.device, generator=generator)
    pick = (share * many).long().clamp_(max=k - 1)
    return best.gather(1, pick.unsqueeze(1))
