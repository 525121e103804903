"""The scores by which a model ranks given lists, or those of lists that an index found."""

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.evaluation.full_ranking import Scorer
from negbench.evaluation.index_scorer import IndexScorer
from negbench.ops.axes import ItemScores, Rows

BLOCK = 1024
"""Users whose lists, found by an index, are scored at once."""


def scores_of_found_lists(
    scorer: IndexScorer,
    users: NDArray[np.int64],
    lists: NDArray[np.int32],
    device: torch.device,
) -> NDArray[np.float32]:
    """The scores [n, K] of the lists that an index found for these users [n]; NaN of no item."""
    kept = np.empty(lists.shape, np.float32)
    for start in range(0, len(users), BLOCK):
        at = slice(start, start + BLOCK)
        rows = torch.from_numpy(users[at]).to(device)
        kept[at] = scorer.scores_of(rows, torch.from_numpy(lists[at]).long()).numpy()
    return kept


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
