"""Scorer of a trained model: all item scores of a backbone, with its method's transform."""

from dataclasses import dataclass

import torch

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.axes import ItemScores, ItemVectors, Rows, Vectors
from negbench.ops.sampled_dot import dot_with_all
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Backbone, Transform
from negbench.protocol.step import Batch, RankingVectors, Step
from negbench.protocol.view import Similarity, View

BLOCK = 1 << 24
"""Numbers of the pairs of vectors that a model's own score is given at once."""


@dataclass(frozen=True, eq=False)
class ModelScorer:
    """Scores all items for blocks of users; item vectors are encoded once."""

    vectors: RankingVectors
    items: ItemVectors
    context: TrainContext
    transform: Transform | None = None

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        backbone: Backbone,
        context: TrainContext,
        history: Csr,
        transform: Transform | None = None,
    ) -> "ModelScorer":
        """Encode users and items; `history` [U, I] is each user's past before the ranked part.

        Raises UserError where a transform changes vectors that a model does not rank by.
        """
        vectors = backbone.encode(history)
        own = vectors.similarity.kind == "own"
        if transform is not None and vectors.score is not None and not own:
            raise UserError(
                "this method changes the vectors that are scored, and the backbone ranks by "
                "`RankingVectors.score`, which reads none; give its function to "
                "Similarity('own', score=...) too, or take a method without a transform"
            )
        items = vectors.items if own else vectors.similarity.prepare(vectors.items)
        return cls(vectors, items.contiguous(), context, transform)

    def scores(self, users: Rows) -> ItemScores:
        """The score of every item for these users, [b] -> [b, I]."""
        return self.scores_into(users, None)

    @torch.no_grad()
    def scores_into(self, users: Rows, into: ItemScores | None) -> ItemScores:
        """As `scores`, reusing the buffer `into` [b, I]."""
        if self.transform is None and self.vectors.score is not None:
            scores = self.vectors.score(users)
            return scores if into is None else into.copy_(scores)
        if self.transform is None:
            query, similarity = self.vectors.query(users), self.vectors.similarity
            if similarity.kind == "own":
                return own_scores(similarity, query, self.items, into)
            return dot_with_all(similarity.query(query), self.items, into)
        view = self.view(users)
        items = view.items if view.through is None else view.through(view.items)
        if view.similarity.kind == "own":
            return own_scores(view.similarity, view.query, items, into)
        return dot_with_all(view.similarity.query(view.query), view.similarity.prepare(items), into)

    @torch.no_grad()
    def view(self, users: Rows) -> View:
        """What these users are ranked by: queries [b, D] and items, as the transform has them."""
        step = self._step(users)
        return step.view if self.transform is None else self.transform.view(step)

    def _step(self, users: Rows) -> Step:
        batch, query = Batch(users, torch.zeros_like(users)), self.vectors.query(users)
        view = View(query, self.vectors.items, query, self.vectors.similarity, self.vectors.users)
        generator = rng.stream(self.context.seed, "inference", device=self.context.device)
        return Step(batch, view, self.context, -1, -1, generator, training=False)


def own_scores(
    similarity: Similarity, query: Vectors, items: ItemVectors, into: ItemScores | None = None
) -> ItemScores:
    """A model's own scores of all items: query [b, D], items [I, D] -> [b, I], or `into` that.

    In blocks of items, for the function may hold [b, n, D] numbers.
    """
    assert similarity.score is not None
    scores = query.new_empty(len(query), len(items)) if into is None else into
    size = max(1, BLOCK // max(1, query.numel()))
    for start in range(0, len(items), size):
        here = slice(start, start + size)
        scores[:, here] = similarity.score(query.unsqueeze(1), items[here].unsqueeze(0))
    return scores
