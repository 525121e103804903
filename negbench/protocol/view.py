"""A step's view of the backbone, with autograd cut at its outputs.

The backbone's outputs are leaves: parts and objectives differentiate through them, and the backbone
scatters the gradients of these few rows into its parameters itself. Every method gets the speed,
without any code of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.errors import UserError
from negbench.ops.axes import (
    AnyShape,
    AnyVectors,
    Ids,
    ItemVectors,
    LayerVectors,
    PoolScores,
    Rows,
    Scores,
    UserVectors,
    Vectors,
)
from negbench.ops.deferred_dot import deferred_dot, deferred_dots
from negbench.ops.sampled_dot import TINY, is_compiled, is_fast, sampled_dot
from negbench.ops.shared_dot import shared_dot
from negbench.plugins.config_ranges import check_ranges
from negbench.protocol.encoded_items import EncodedItems, read
from negbench.protocol.gradient_leaves import ByIds, CutLayers, Leaves

SCORING = ("score_pair", "score_rows", "score_shared")
FEW = 4
"""Up to this many items a row, products and sums are faster, with gradient, than small matmuls."""


@dataclass(frozen=True)
class Similarity:
    """How two vectors are scored: their dot product, their cosine divided by a temperature, or a
    function of the backbone's own, such as a network.

    A method that works with products of vectors is refused under a function.
    """

    kind: Literal["dot", "cosine", "own"] = "dot"
    temperature: float = 1.0
    """Divides the scores; 1 for `own`."""
    score: Callable[[AnyVectors, AnyVectors], AnyShape] | None = None
    """For `own`: queries [..., D] and items [..., D], which broadcast -> scores [...]."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError for an unknown kind, a temperature of 0, or a
        function without `own` or the reverse."""
        if self.kind not in ("dot", "cosine", "own"):
            raise ValueError(f"`similarity` must be dot, cosine or own; got {self.kind!r}")
        check_ranges(self, above={"temperature": 0})
        if (self.kind == "own") != (self.score is not None):
            raise ValueError(
                "`similarity` own goes with a function `score`, and no other kind does; got "
                f"{self.kind!r} and {self.score}"
            )
        if self.kind == "own" and self.temperature != 1.0:
            raise ValueError(
                f"`score` must divide by its temperature itself; got {self.temperature}"
            )

    def prepare(self, vectors: AnyVectors) -> AnyVectors:
        """Item vectors as they are scored: unit vectors where the similarity is cosine.

        Raises UserError where scores are no products.
        """
        if self.kind == "own":
            raise UserError(
                "the method works with products of vectors, and this model scores by a function "
                "of its own; take a method that only scores its candidates, such as random or "
                "dns, or a model that scores by dot products or cosines"
            )
        return F.normalize(vectors, dim=-1) if self.kind == "cosine" else vectors

    def query(self, vectors: AnyVectors) -> AnyVectors:
        """Query vectors whose dot products with prepared item vectors are the scores."""
        prepared = self.prepare(vectors)
        return prepared if self.temperature == 1.0 else prepared / self.temperature


@dataclass
class DotCounter:
    """How many user-item dot products of width D a step has computed."""

    total: int = 0
    pooled: int = 0
    """Of these, with items that all rows share: one dense product."""

    def add(self, dots: int, *, pooled: bool = False) -> None:
        """Count `dots` more."""
        self.total += dots
        self.pooled += dots * pooled


@dataclass(frozen=True, eq=False)
class View:
    """One step's view of the backbone.

    Everything in it carries gradient. That of `items` [I, D] and `users` [U, D] is dense where a
    loss reaches them, so take item rows from `rows(ids)` and `layer_rows(ids)`, and read a whole
    table under `torch.no_grad()` or detached where no gradient is meant. A method that reads all
    `items` says so by needs=("catalogue",): in a user's own loop they may come as a function of ids
    (`EncodedItems`), and then only rows can be had.
    `users` and the layers are there if the backbone's card provides "users" and "layers".
    """

    query: Vectors
    items: ItemVectors
    positive: Vectors
    similarity: Similarity = Similarity()
    users: UserVectors | None = None
    query_layers: LayerVectors | None = None
    item_layers: ByIds | None = None
    """Item vectors at every layer: `item_layers[ids]` is [..., L, D]."""
    through: Callable[[Tensor], Tensor] | None = None
    """A Transform's map from item vectors [..., D] to the ones that are scored."""
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    """Auxiliary losses of the backbone and of the transform, by name."""
    row_weight: Rows | None = None
    """A Transform's weight of each row's loss, [B]."""
    leaves: Leaves | None = None
    """Tensors cut from autograd; None where plain autograd runs through the backbone."""
    denoise: Callable[[Vectors], Vectors] | None = None
    """Set if the card provides "denoiser": the backbone's prediction from clean vectors [B, D]
    noised up to row b's own t, with noise fixed for the step. Gradient flows to the vectors, the
    backbone's condition and its denoiser; `query` is this prediction for the positives."""
    dots: DotCounter = field(default_factory=DotCounter)
    """Counts the dot products of the step."""

    def __post_init__(self) -> None:
        """Cut the tables too, once a step: a transform's own tables are none of the backbone's."""
        if self.leaves is None or self.leaves.items is not None or not torch.is_grad_enabled():
            return
        tables = self.leaves.cut(self.items, self.users, self.item_layers)
        for name, table in zip(("items", "users", "item_layers"), tables, strict=True):
            object.__setattr__(self, name, table)

    def _leaves_of(self, table: Literal["items", "item_layers"]) -> Leaves | None:
        """Where rows of a table are listed as leaves: with gradient, of the backbone's own."""
        leaves = self.leaves
        if leaves is None or not torch.is_grad_enabled():
            return None
        own = leaves.items is None or getattr(self, table) is getattr(leaves, table)
        return leaves if own else None

    def rows(self, ids: AnyShape, *, penalised: bool = False) -> AnyShape:
        """The vectors of these items, ids [...] -> [..., D], with gradient.

        `penalised` marks the rows of the step's negatives, which bear the L2 penalty.
        """
        leaves = self._leaves_of("items")
        if leaves is None:
            rows = F.embedding(ids, self.items)
        else:
            rows = F.embedding(ids, self.items.detach()).requires_grad_()
            leaves.add_rows(ids, rows, penalised=penalised)
        return rows if self.through is None else self.through(rows)

    def layer_rows(self, ids: AnyShape) -> AnyShape:
        """The vectors of these items at every layer, ids [...] -> [..., L, D], with gradient.

        Raises ValueError where the backbone provides no layers.
        """
        if self.item_layers is None:
            raise ValueError(
                "this backbone provides no layers; declare needs=('layers',) in the card"
            )
        leaves = self._leaves_of("item_layers")
        if leaves is None or isinstance(self.item_layers, CutLayers):
            return self.item_layers[ids]
        return CutLayers(self.item_layers, leaves.layers)[ids]

    def has_own_score(self) -> bool:
        """Whether scores are no products of vectors: by a function, or by methods of a subclass."""
        return self.similarity.kind == "own" or any(
            getattr(type(self), name) is not getattr(View, name) for name in SCORING
        )

    def score_pair(self, vectors: Vectors) -> Rows:
        """Score one item for each row: [B, D] -> [B]."""
        vectors = read(vectors)
        self.dots.add(vectors.shape[0])
        if self.similarity.score is not None:
            return self.similarity.score(self.query, vectors)
        return (self.similarity.query(self.query) * self.similarity.prepare(vectors)).sum(-1)

    def score_rows(self, what: AnyShape, *, penalised: bool = False) -> Scores:
        """Score N items for each row: ids [B, N] or vectors [B, N, D] -> [B, N].

        Raises ValueError for another number of rows: compiled loops would read beyond the queries.
        """
        if what.shape[0] != self.query.shape[0]:
            raise ValueError(
                f"`score_rows` takes ids or vectors of each of {self.query.shape[0]} rows; got "
                f"{list(what.shape)}; score_shared takes one pool for all"
            )
        self.dots.add(what.shape[0] * what.shape[1])
        if self.similarity.score is not None:
            vectors = what if what.is_floating_point() else self.rows(what, penalised=penalised)
            return self.similarity.score(self.query.unsqueeze(1), vectors)
        query = self.similarity.query(self.query)
        if self._needs_no_rows(what, query):
            return self._sampled_dot(what, query)
        vectors = what if what.is_floating_point() else self.rows(what, penalised=penalised)
        if vectors.shape[1] <= FEW:
            return (query.unsqueeze(1) * self.similarity.prepare(vectors)).sum(-1)
        products = torch.bmm(vectors, query.unsqueeze(2)).squeeze(2)
        if self.similarity.kind == "dot":
            return products
        # Half the time of products with unit vectors [B, N, D], which would have to be made.
        lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
        return products / lengths.clamp(min=TINY)

    def score_step(self, ids: Ids) -> tuple[Rows, Scores]:
        """Score the positive and the step's negatives, ids [B, N], of each row -> [B] and [B, N].

        One function to autograd, by compiled loops, where item gradients are added in place.
        """
        leaves = self._leaves_of("items")
        if leaves is None or not self._are_scored_together(leaves, ids):
            return self.score_pair(self.positive), self.score_rows(ids, penalised=True)
        self.dots.add(ids.numel() + len(ids))
        query, positive = self.similarity.query(self.query), self.similarity.prepare(self.positive)
        unit = self.similarity.kind == "cosine"
        s_pos, s_neg, product = deferred_dots(query, positive, ids, self.items, unit=unit)
        leaves.products.append(product)
        return s_pos, s_neg

    def _are_scored_together(self, leaves: Leaves, ids: Ids) -> bool:
        if not leaves.in_place or self.through is not None or self.has_own_score():
            return False
        return is_compiled(self.query, self.items, ids, self.positive)

    def score_shared(
        self, what: AnyShape, *, penalised: bool = False, n_fixed: int = 0
    ) -> PoolScores:
        """Score the same K items for all rows: ids [K] or vectors [K, D] -> [B, K].

        The last `n_fixed` vectors take no gradient.
        """
        vectors = what if what.is_floating_point() else self.rows(what, penalised=penalised)
        self.dots.add(self.query.shape[0] * vectors.shape[0], pooled=True)
        if self.similarity.score is not None:
            return self.similarity.score(self.query.unsqueeze(1), vectors.unsqueeze(0))
        query, vectors = self.similarity.query(self.query), self.similarity.prepare(vectors)
        if n_fixed:
            return shared_dot(query, vectors[:-n_fixed], vectors[-n_fixed:])
        return query @ vectors.T

    def _needs_no_rows(self, what: Tensor, query: Tensor) -> bool:
        """Whether these are ids whose vectors need not be gathered.

        Compiled loops take any, where a gradient need not be one of every item. Else it is made
        for every item, as lengths are, so there must be as many ids as items.
        """
        if what.is_floating_point() or self.through is not None:
            return False
        if isinstance(self.items, EncodedItems):
            return False
        leaves = self._leaves_of("items")
        learns, many = torch.is_grad_enabled(), what.numel() >= len(self.items)
        if learns and leaves is None:
            return False
        if (leaves is None or leaves.in_place) and is_compiled(query, self.items, what):
            return True
        if what.shape[1] <= FEW or not (many or (self.similarity.kind == "dot" and not learns)):
            return False
        return is_fast(query)

    def _sampled_dot(self, ids: Tensor, query: Tensor) -> Tensor:
        unit = self.similarity.kind == "cosine"
        if self.leaves is None or not torch.is_grad_enabled():
            return sampled_dot(query, self.items, ids, unit=unit)
        scores, product = deferred_dot(query, ids, self.items, unit=unit)
        self.leaves.products.append(product)
        return scores
