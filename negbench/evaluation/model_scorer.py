"""Scorer of a trained model: all item scores of a backbone, with its method's transform."""

from dataclasses import dataclass

import torch

from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.ops.axes import ItemScores, ItemVectors, Rows, Vectors
from negbench.ops.sampled_dot import dot_with_all
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Backbone, Transform
from negbench.protocol.step import Batch, RankingVectors, Step
from negbench.protocol.view import View


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
        """Encode users and items; `history` [U, I] is each user's past before the ranked part."""
        vectors = backbone.encode(history)
        items = vectors.similarity.prepare(vectors.items).contiguous()
        return cls(vectors, items, context, transform)

    def scores(self, users: Rows) -> ItemScores:
        """The score of every item for these users, [b] -> [b, I]."""
        return self.scores_into(users, None)

    @torch.no_grad()
    def scores_into(self, users: Rows, into: ItemScores | None) -> ItemScores:
        """As `scores`, reusing the buffer `into` [b, I]."""
        query = self.vectors.query(users)
        if self.transform is None:
            return dot_with_all(self.vectors.similarity.query(query), self.items, into)
        view = self.transform.view(self._step(users, query))
        items = view.items if view.through is None else view.through(view.items)
        return dot_with_all(view.similarity.query(view.query), view.similarity.prepare(items), into)

    def _step(self, users: Rows, query: Vectors) -> Step:
        batch = Batch(users, torch.zeros_like(users))
        view = View(query, self.vectors.items, query, self.vectors.similarity, self.vectors.users)
        generator = rng.stream(self.context.seed, "inference", device=self.context.device)
        return Step(batch, view, self.context, -1, -1, generator, training=False)
