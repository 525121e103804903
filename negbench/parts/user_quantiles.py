"""Top-K quantiles of a user's scores: the scores of all train items, padded, and the pinball loss.

A loss for the top K needs the score b_u at which a user's list is cut, the K-th largest over all
items. Negatives are drawn outside the user's train items, so these are scored beside them.
"""

import torch
import torch.nn.functional as F

from negbench.parts.user_history import Liked
from negbench.protocol import AnyShape, ListValues, Rows, Step


@torch.no_grad()
def scores_of_liked(step: Step, liked: Liked) -> tuple[ListValues, Rows]:
    """Scores of all train items of each row's user, minus infinity past their number: [B, K], [B].

    K is the largest number of a user in the batch. No gradient.
    """
    users = step.batch.users
    sizes = liked.sizes(users)
    place = torch.arange(int(sizes.max()), device=users.device)
    inside = place < sizes.unsqueeze(1)
    ids = liked.items[(liked.indptr[users].unsqueeze(1) + place).where(inside, 0)]
    return step.view.score_rows(ids).masked_fill(~inside, -torch.inf), sizes


def pinball(gap: AnyShape, share: float) -> AnyShape:
    """The pinball loss of gaps s - b: (1 - share) max(0, s - b) + share max(0, b - s).

    Its mean over all items is least where b is the score that `share` of them reach or exceed.
    """
    return (1 - share) * F.relu(gap) + share * F.relu(-gap)
