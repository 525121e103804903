"""Lists of a trained model by an index of its item vectors, for catalogues too large to score.

The index knows nothing of a user's seen items, so a list of K asks for K and as many more as the
user has seen. Where a walk met too few items to fill a list, that list is ranked exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.evaluation.full_ranking import row_pairs
from negbench.evaluation.item_index import ItemIndex
from negbench.evaluation.model_scorer import ModelScorer
from negbench.ops.axes import Ids, ItemScores, ItemValues, ItemVectors, Rows, Scores, TopItems
from negbench.ops.top_k import MASKED, tie_places, top_k
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Backbone, Transform
from negbench.protocol.view import View

MOST_CELLS = 2**22
"""Items of a block of users that the index is asked for at once."""
MOST_USERS = 1024
EXACT = 8
"""Users whose lists are ranked exactly at once, where the index could not fill them."""
SeenPairs = tuple[Tensor, Tensor]
"""Starts [U + 1] and items [pairs] of the rows of seen items, on the CPU."""


@dataclass(frozen=True, eq=False)
class IndexScorer:
    """A model whose lists an index finds; single scores stay the model's own."""

    model: ModelScorer
    items: ItemVectors
    index: ItemIndex

    @classmethod
    def of(cls, model: ModelScorer, like: "IndexScorer | None" = None) -> "IndexScorer":
        """Index the items of a model, or take the index of `like` where it is of the same vectors.

        Raises UserError where the scores are no products with one table of item vectors.
        """
        items = indexed_items(model)
        same = like is not None and torch.equal(like.items, items)
        return cls(model, items, like.index if like and same else ItemIndex.of(items))

    def scores(self, users: Rows) -> ItemScores:
        """The exact score of every item for these users, [b] -> [b, I]."""
        return self.model.scores(users)

    @torch.no_grad()
    def lists(self, users: Rows, seen: Csr, k: int) -> TopItems:
        """The first k items of each user without the `seen` ones: int64 [b, k], filled by -1."""
        top = torch.full((len(users), k), -1)
        known = torch.tensor(seen.indptr), torch.tensor(seen.indices)
        own = users.cpu().numpy()
        left = torch.from_numpy(len(self.items) - seen.distinct.lengths[own]).clamp(max=k)
        for at in _blocks(seen.lengths[own], k, len(self.items)):
            top[at] = self._by_index(users[at.to(users.device)], known, k)
        short = ((top >= 0).sum(1) < left).nonzero()[:, 0]
        for at in torch.split(short, EXACT):
            top[at] = self._exact(users[at.to(users.device)], known, k)
        return top

    @torch.no_grad()
    def scores_of(self, users: Rows, lists: TopItems) -> Scores:
        """The scores [b, k] of lists that the index found, int64 [b, k] on the CPU; NaN of -1.

        They never rise along a list: the index takes its products in another order, whose last bits
        may differ from the model's, and what they turn round comes out equal.
        """
        view = self.model.view(users)
        query = view.similarity.query(view.query).float()
        items = self.items[lists.clamp(min=0).to(self.items.device)].float()
        products = torch.einsum("bd,bkd->bk", query, items).cpu()
        return products.cummin(1).values.masked_fill(lists < 0, torch.nan)

    def _by_index(self, users: Rows, seen: SeenPairs, k: int) -> TopItems:
        """The same for one block, with fewer items where the walk met too few."""
        n_items, view = len(self.items), self.model.view(users)
        rows, items = row_pairs(*seen, users.cpu())
        longest = int(rows.bincount().max()) if len(rows) else 0
        met = self.index.search(view.similarity.query(view.query), min(n_items, k + longest))
        ids = _in_order(*met, tie_places(n_items))
        keys = torch.arange(len(ids))[:, None] * n_items + ids
        unseen = (ids >= 0) & ~torch.isin(keys, rows * n_items + items)
        first = (~unseen).byte().argsort(dim=1, stable=True)[:, :k]
        top = torch.full((len(ids), k), -1)
        top[:, : first.shape[1]] = ids.gather(1, first).masked_fill(~unseen.gather(1, first), -1)
        return top

    def _exact(self, users: Rows, seen: SeenPairs, k: int) -> TopItems:
        """The same by the scores of all items."""
        scores = self.model.scores(users).cpu()
        scores[row_pairs(*seen, users.cpu())] = MASKED
        return top_k(scores, k, tie_places(scores.shape[1]))


def scorer_of(
    backbone: Backbone,
    context: TrainContext,
    transform: Transform | None,
    ranking: str,
    history: Csr,
    *,
    like: ModelScorer | IndexScorer | None = None,
) -> ModelScorer | IndexScorer:
    """A model as it is ranked: by the scores of all items if `ranking` is exact, else by an index.

    `like` may be the scorer of the same weights and another history, whose index is then shared.
    Raises UserError as `ModelScorer.of` and `IndexScorer.of`.
    """
    model = ModelScorer.of(backbone, context, history, transform)
    if ranking == "exact":
        return model
    return IndexScorer.of(model, like if isinstance(like, IndexScorer) else None)


@torch.no_grad()
def indexed_items(model: ModelScorer) -> ItemVectors:
    """The item vectors [I, D] whose products with a user's query are the model's scores.

    Raises UserError where there are none: a score of the model's own, or a transform of items.
    """
    view = model.view(torch.zeros(1, dtype=torch.long, device=model.vectors.items.device))
    own = model.transform is None and model.vectors.score is not None
    if own or view.similarity.kind == "own":
        raise UserError(
            "--ranking hnsw finds items by products of vectors, and this model scores by a "
            "function of its own; use --ranking exact"
        )
    if _changes_items(view, model):
        raise UserError(
            "--ranking hnsw finds items by the vectors of the backbone, and this method ranks by "
            "other ones; use --ranking exact"
        )
    return view.similarity.prepare(view.items).contiguous()


def _changes_items(view: View, model: ModelScorer) -> bool:
    return view.has_own_score() or view.through is not None or view.items is not model.vectors.items


def _blocks(lengths: NDArray[np.int64], k: int, n_items: int) -> Iterator[Tensor]:
    """The users in blocks of like histories, for a block asks for as many as its longest needs."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        n = min(n_items, k + int(lengths[order[start]]))
        end = start + min(MOST_USERS, max(1, MOST_CELLS // n))
        yield torch.from_numpy(order[start:end])
        start = end


def _in_order(scores: Scores, ids: Ids, places: ItemValues) -> Ids:
    """The ids [b, n] by falling score, equal ones by the order that breaks ties everywhere."""
    by_place = places[ids.clamp(min=0)].argsort(1)
    falling = scores.gather(1, by_place).argsort(dim=1, descending=True, stable=True)
    return ids.gather(1, by_place).gather(1, falling)
