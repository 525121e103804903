"""What a part may see of the backbone in a step, with autograd cut here.

The backbone's outputs are leaves: parts and objectives differentiate through them, and the backbone
carries the gradients of these few rows back by hand. Every method gets the speed, none has to know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.ops.sampled_dot import Product, chosen, quick
from negbench.protocol.gradient_leaves import Leaves

TINY = 1e-12
FEW = 4
"""Up to so many items a row, products and sums are quicker, with gradient, than small matmuls."""


@dataclass(frozen=True)
class Similarity:
    """How two vectors are scored: their dot product, or their cosine divided by a temperature."""

    kind: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot score."""
        if self.kind not in ("dot", "cosine"):
            raise ValueError(f"`similarity` must be dot or cosine; got {self.kind!r}")
        if not self.temperature > 0:
            raise ValueError(f"`temperature` must be above 0; got {self.temperature}")

    def prepare(self, vectors: Tensor) -> Tensor:
        """Vectors whose plain dot products with queries are the scores' shape."""
        return F.normalize(vectors, dim=-1) if self.kind == "cosine" else vectors

    def query(self, vectors: Tensor) -> Tensor:
        """Query vectors whose dot products with prepared items are the scores."""
        prepared = self.prepare(vectors)
        return prepared if self.temperature == 1.0 else prepared / self.temperature


class ByIds(Protocol):
    """What gives rows by their ids: a tensor, or what makes them when they are asked for."""

    def __getitem__(self, ids: Tensor, /) -> Tensor:
        """[...] -> [..., *]."""
        ...


@dataclass(frozen=True, eq=False)
class View:
    """One step's view of the backbone.

    `query` [B, D] and `positive` [B, D] carry gradient; `items` [I, D] is for reading. With
    gradient, item rows come from `rows(ids)` and `layer_rows(ids)` only.
    `users` [U, D] and the layers are there if the backbone's card provides "users" and "layers".
    """

    query: Tensor
    items: Tensor
    positive: Tensor
    similarity: Similarity = Similarity()
    users: Tensor | None = None
    query_layers: Tensor | None = None
    item_layers: ByIds | None = None
    """Item vectors at every layer: `item_layers[ids]` is [..., L, D]."""
    through: Callable[[Tensor], Tensor] | None = None
    """A Transform's map from item vectors [..., D] to the ones that are scored."""
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    """Auxiliary losses of the transform, by name."""
    row_weight: Tensor | None = None
    """A Transform's weight of each row's loss, [B]."""
    leaves: Leaves | None = None
    """None where plain autograd runs through the backbone."""
    denoise: Callable[[Tensor], Tensor] | None = None
    """There if the card provides "denoiser": what the backbone makes of clean vectors [B, D] that
    it has noised as far as row b's own t, with noise fixed for the step. Gradient runs to the
    vectors, the backbone's condition and its denoiser; `query` is the same of the positives."""

    def rows(self, ids: Tensor) -> Tensor:
        """The vectors of these items, [..., D]."""
        rows = F.embedding(ids, self.items)
        if self.leaves is not None and torch.is_grad_enabled():
            rows = rows.detach().requires_grad_()
            self.leaves.rows.append((ids, rows))
        return rows if self.through is None else self.through(rows)

    def layer_rows(self, ids: Tensor) -> Tensor:
        """The vectors of these items at every layer, [..., L, D]."""
        if self.item_layers is None:
            raise ValueError(
                "this backbone provides no layers; declare needs=('layers',) in the card"
            )
        rows = self.item_layers[ids]
        if self.leaves is not None and torch.is_grad_enabled():
            rows = rows.detach().requires_grad_()
            self.leaves.layers.append((ids, rows))
        return rows

    def score_pair(self, vectors: Tensor) -> Tensor:
        """One item for each row: [B, D] -> [B]."""
        self._count(vectors.shape[0])
        return (self.similarity.query(self.query) * self.similarity.prepare(vectors)).sum(-1)

    def score_rows(self, what: Tensor) -> Tensor:
        """N items for each row: ids [B, N] or vectors [B, N, D] -> [B, N]."""
        self._count(what.shape[0] * what.shape[1])
        query = self.similarity.query(self.query)
        if self._needs_no_rows(what, query):
            return self._products(what, query)
        vectors = what if what.is_floating_point() else self.rows(what)
        if vectors.shape[1] <= FEW:
            return (query.unsqueeze(1) * self.similarity.prepare(vectors)).sum(-1)
        products = torch.bmm(vectors, query.unsqueeze(2)).squeeze(2)
        if self.similarity.kind == "dot":
            return products
        # Half the time of products with unit vectors [B, N, D], which would have to be made.
        lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
        return products / lengths.clamp(min=TINY)

    def score_shared(self, what: Tensor) -> Tensor:
        """The same K items for all rows: ids [K] or vectors [K, D] -> [B, K]."""
        vectors = what if what.is_floating_point() else self.rows(what)
        self._count(self.query.shape[0] * vectors.shape[0], pooled=True)
        return self.similarity.query(self.query) @ self.similarity.prepare(vectors).T

    def _needs_no_rows(self, what: Tensor, query: Tensor) -> bool:
        """Whether these are ids whose vectors need not be made.

        A gradient, and lengths, are made for every item, so there must be as many ids as items.
        """
        if what.is_floating_point() or what.shape[1] <= FEW or self.through is not None:
            return False
        learns, many = torch.is_grad_enabled(), what.numel() >= len(self.items)
        if not many and (learns or self.similarity.kind != "dot"):
            return False
        return (self.leaves is not None or not learns) and quick(query)

    def _products(self, ids: Tensor, query: Tensor) -> Tensor:
        items, lengths = self.items, None
        if self.similarity.kind == "cosine":
            lengths = torch.linalg.vector_norm(items, dim=1, keepdim=True).clamp(min=TINY)
            items = items / lengths
        if self.leaves is None or not torch.is_grad_enabled():
            return chosen(query, items, ids)
        owed = Product.of(query, ids, items, lengths)
        self.leaves.products.append(owed)
        return owed.scores(query)

    def _count(self, dots: int, *, pooled: bool = False) -> None:
        if self.leaves is not None:
            self.leaves.dots += dots
            self.leaves.pooled += dots * pooled
