"""The scores by which a model ranks given lists, taken while it ranks them."""

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.evaluation.full_ranking import Scorer
from negbench.ops.axes import ItemScores, Rows


class ScoresOfLists:
    """A scorer that passes another's scores on, and keeps those of each user's list.

    A score of its own block of users may differ in the last bit from that of another block, so they
    are taken from the very blocks that are ranked.
    """

    def __init__(self, scorer: Scorer, users: NDArray[np.int64], lists: NDArray[np.int32]) -> None:
        """Of ascending users [n] and their lists [n, K], where -1 is no item."""
        self.scorer, self.users, self.wanted = scorer, users, torch.from_numpy(lists).long()
        self.kept = np.full(lists.shape, np.nan, np.float32)
        """The scores [n, K]; NaN of no item, and of users who were not scored."""

    def scores(self, users: Rows) -> ItemScores:
        """The score of every item for these users, [b, I]."""
        scores = self.scorer.scores(users)
        at = np.searchsorted(self.users, users.cpu().numpy())
        lists = self.wanted[at].to(scores.device)
        kept = scores.gather(1, lists.clamp(min=0)).masked_fill(lists < 0, torch.nan)
        self.kept[at] = kept.float().cpu().numpy()
        return scores
