"""Top-K quantiles of a user's scores: the scores of all train items, padded, and the pinball loss.

A loss for the top K needs the score b_u at which a user's list is cut, the K-th largest over all
items. Negatives are drawn outside the user's train items, so these are scored beside them.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F

from negbench.parts.user_history import Liked
from negbench.protocol import AnyShape, ListValues, Rows, Step

BLOCK = 1 << 25
"""Numbers of item vectors that are read at once: one long history pads all rows of a batch."""


@torch.no_grad()
def scores_of_liked(step: Step, liked: Liked) -> tuple[ListValues, Rows]:
    """Scores of all train items of each row's user, minus infinity past their number: [B, K], [B].

    K is the largest number of a user in the batch. No gradient.
    """
    view, users = step.view, step.batch.users
    sizes = liked.sizes(users)
    place = torch.arange(int(sizes.max()), device=users.device)
    scores = view.query.new_empty(len(users), len(place))
    rows = max(1, BLOCK // max(1, len(place) * view.query.shape[1]))
    for start in range(0, len(users), rows):
        block = slice(start, start + rows)
        inside = place < sizes[block].unsqueeze(1)
        ids = liked.items[(liked.indptr[users[block]].unsqueeze(1) + place).where(inside, 0)]
        some = replace(view, query=view.query[block])
        scores[block] = some.score_rows(ids).masked_fill_(~inside, -torch.inf)
    return scores, sizes


def pinball(gap: AnyShape, share: float) -> AnyShape:
    """The pinball loss of gaps s - b: (1 - share) max(0, s - b) + share max(0, b - s).

    Its mean over all items is least where b is the score that `share` of them reach or exceed.
    """
    return (1 - share) * F.relu(gap) + share * F.relu(-gap)
