"""A trained backbone, with its method's transform, as something that ranks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.ops.sampled_dot import with_all
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Backbone, Transform
from negbench.protocol.step import Batch, RankingVectors, Step
from negbench.protocol.view import View


@dataclass(frozen=True, eq=False)
class Trained:
    """Scores of all items for blocks of users; the items are prepared once."""

    encoded: RankingVectors
    items: Tensor
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
    ) -> "Trained":
        """Encode once; `history` is what each user did before what is to be ranked."""
        encoded = backbone.encode(history)
        return cls(
            encoded, encoded.similarity.prepare(encoded.items).contiguous(), context, transform
        )

    def scores(self, users: Tensor) -> Tensor:
        """[b] -> [b, I]."""
        return self.fill(users, None)

    @torch.no_grad()
    def fill(self, users: Tensor, into: Tensor | None) -> Tensor:
        """The same, written into a block of an earlier call that nobody reads any more."""
        query = self.encoded.query(users)
        if self.transform is None:
            return with_all(self.encoded.similarity.query(query), self.items, into)
        view = self.transform.view(self._step(users, query))
        items = view.items if view.through is None else view.through(view.items)
        return with_all(view.similarity.query(view.query), view.similarity.prepare(items), into)

    def _step(self, users: Tensor, query: Tensor) -> Step:
        batch = Batch(users, torch.zeros_like(users))
        view = View(query, self.encoded.items, query, self.encoded.similarity, self.encoded.users)
        generator = rng.stream(self.context.seed, "inference", device=self.context.device)
        return Step(batch, view, self.context, -1, -1, generator, training=False)
