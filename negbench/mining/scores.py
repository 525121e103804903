"""Scores of a block of users: by a model that ranks the catalogue, or by a function of the user's.

A model's scores of all items are taken once a block, and then looked up. A user's function is asked
for the items that are needed, and for all of them only where all are ranked.
"""

from functools import cached_property

import torch

from negbench.data.membership import Membership
from negbench.errors import UserError, shown
from negbench.evaluation.full_ranking import Scorer
from negbench.ops.axes import Ids, ItemScores, Rows, Scores, TopItems
from negbench.ops.top_k import MASKED, tie_places, top_k
from negbench.training.given_scores import Score


class OwnScores:
    """A user's function as a model: `score(users [B], ids [B, M]) -> [B, M]`."""

    def __init__(self, score: Score, n_items: int) -> None:
        """Of a catalogue of `n_items`."""
        self.function, self.n_items = score, n_items

    def scores(self, users: Rows) -> ItemScores:
        """The score of every item for these users, [b, I]."""
        every = torch.arange(self.n_items, device=users.device)
        return self.of(users, every.expand(len(users), -1))

    def of(self, users: Rows, ids: Ids) -> Scores:
        """The scores of items [B, M] for each row's user, float32.

        Raises UserError where the function returns no tensor, or one of another shape.
        """
        scores = self.function(users, ids)
        if not isinstance(scores, torch.Tensor):
            raise UserError(
                f"`score` must return a tensor of scores [B, M]; got {shown(scores)}; wrap it by "
                "torch.as_tensor"
            )
        if scores.shape != ids.shape:
            raise UserError(
                f"`score` must return one score an id, {list(ids.shape)}; got {list(scores.shape)}"
            )
        return scores.detach().to(users.device, torch.float32)


class UserBlock:
    """Some users, ascending [b], with their scores and what is never a negative of theirs."""

    def __init__(
        self, model: Scorer | OwnScores, users: Rows, excluded: Membership, depth: int
    ) -> None:
        """Of a model, with rankings of `depth` items."""
        self.model, self.users, self.excluded = model, users, excluded
        self.depth = min(depth, excluded.n_items)

    def places(self, users: Rows) -> Rows:
        """The places of these users [B] in the block."""
        return torch.searchsorted(self.users, users)

    @torch.no_grad()
    def scores(self, users: Rows, ids: Ids) -> Scores:
        """The scores of items for users of the block, [B, M]; NaN and inf are refused."""
        if isinstance(self.model, OwnScores) and "_table" not in self.__dict__:
            return _finite(self.model.of(users, ids), users, ids)
        return self._table[self.places(users).unsqueeze(1), ids]

    @cached_property
    def ranking(self) -> tuple[TopItems, Scores]:
        """Each user's first `depth` items without what is excluded, and their scores, [b, depth].

        Where fewer are left, -1 with a score of -inf. Equal scores stand as in every ranking.
        """
        n_items, device = self.excluded.n_items, self.users.device
        hidden = self.excluded.contains_shared(self.users, torch.arange(n_items, device=device))
        scores = self._table.masked_fill(hidden, MASKED)
        order = top_k(scores, self.depth, tie_places(n_items, device))
        return order, scores.gather(1, order.clamp(min=0)).masked_fill(order < 0, MASKED)

    @cached_property
    def _table(self) -> ItemScores:
        """The score of every item for every user of the block, [b, I]."""
        with torch.no_grad():
            scores = self.model.scores(self.users).float()
        every = torch.arange(scores.shape[1], device=scores.device).expand(len(scores), -1)
        return _finite(scores, self.users, every)


def _finite(scores: Scores, users: Rows, ids: Ids) -> Scores:
    """The scores, where all are numbers: NaN or inf would win or lose a place in silence."""
    wrong = ~torch.isfinite(scores)
    if wrong.any():
        row, column = wrong.nonzero()[0].tolist()
        raise UserError(
            f"scores must be finite; got {float(scores[row, column])} for user {int(users[row])} "
            f"and item {int(ids[row, column])}, counted from 0; give every item a number"
        )
    return scores
