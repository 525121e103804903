"""The value records of a training step: frozen, so a part returns a new one by `replace`.

Axes, fixed once: B rows, N negatives, M candidates, D width, L layers, U users, I items,
K list length or shared pool.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from negbench.ops.axes import (
    AnyShape,
    Ids,
    ItemVectors,
    Mask,
    Rows,
    Scores,
    UserVectors,
)
from negbench.ops.masked_fill import masked_fill_
from negbench.protocol.context import TrainContext
from negbench.protocol.view import Similarity, View


@dataclass(frozen=True, eq=False)
class BatchChunk:
    """A chunk of consecutive batches: what does not depend on the model is drawn for all of it."""

    users: Rows

    def owns(self, users: Rows, start: int) -> bool:
        """Whether `users` is this chunk's slice at `start` (same storage), so that its prefetched
        draws apply: a part may have put other users into the batch."""
        inside = start + users.shape[0] <= self.users.shape[0]
        return inside and users.data_ptr() == self.users[start:].data_ptr()


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of one step: a user and a positive item each.

    A sequence backbone is fed whole histories, `inputs` [S, T] (items first, then padding I), and
    every position that holds an item is one row: `cells` [B] says which of S x T row b reads.
    """

    users: Rows
    items: Rows
    inputs: Tensor | None = None
    cells: Rows | None = None
    chunk: BatchChunk | None = None
    """The chunk of batches that this one is a slice of, where its rows are known ahead."""
    start: int = 0
    """Its first row in the chunk."""

    def __len__(self) -> int:
        """B."""
        return self.users.shape[0]  # len() of a tensor takes microseconds


@dataclass(frozen=True, eq=False)
class Negatives:
    """The negatives of a step: ids or vectors with log proposal probability, log weight, mask.

    Either `ids` [B, N] (or [K] with `shared=True`: one pool for all rows) or `vectors` [B, N, D]
    ([K, D]) for synthesised items; where both are given the vectors are scored (see `named`).
    `logq` is how it was drawn (log proposal probability, [B, N] or [K]); `logw` is how much it
    counts (log weight, [B, N]). Only an objective adds them. `mask` [B, N] (or [B, K]) is False for
    what must not be used.
    """

    ids: AnyShape | None = None
    vectors: AnyShape | None = None
    shared: bool = False
    logq: AnyShape | None = None
    logw: Scores | None = None
    mask: Mask | None = None
    row_weight: Rows | None = None
    named: bool = False
    """Whether `ids` beside `vectors` are the items that the vectors stand for; else they bear the
    L2 penalty alone, and a record takes the item nearest to each vector."""
    n_fixed: int = 0
    """How many of shared `vectors`, the last ones, take no gradient, as those of a memory bank."""
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    """Auxiliary losses of the stages so far, by name; added to the mean of the rows."""

    def __post_init__(self) -> None:
        """Check the shapes. Raises ValueError where they contradict `shared`."""
        if self.ids is not None and self.ids.dim() != (1 if self.shared else 2):
            want = "[K]" if self.shared else "[B, N]"
            raise ValueError(
                f"`ids` must be {want} where {self.shared=}; got {list(self.ids.shape)}"
            )
        if self.vectors is not None and self.vectors.dim() != (2 if self.shared else 3):
            want = "[K, D]" if self.shared else "[B, N, D]"
            raise ValueError(
                f"`vectors` must be {want} where {self.shared=}; got {list(self.vectors.shape)}"
            )

    @property
    def n(self) -> int:
        """N: negatives of a row, masked ones included."""
        if self.ids is not None:
            return self.ids.shape[-1]
        return 0 if self.vectors is None else self.vectors.shape[-2]

    @property
    def record_ids(self) -> AnyShape | None:
        """The ids that a record takes; None where it must look for the item nearest to a vector."""
        return self.ids if self.vectors is None or self.named else None

    def per_row(self, rows: int) -> Self:
        """The same with every field per row: a shared pool [K] becomes [B, K], as views."""

        def expanded(values: Tensor | None, *keep: int) -> Tensor | None:
            return None if values is None else values.expand(rows, -1, *keep)

        return replace(
            self,
            ids=expanded(self.ids),
            vectors=expanded(self.vectors, -1),
            shared=False,
            logq=expanded(self.logq),
            logw=expanded(self.logw),
            mask=expanded(self.mask),
        )

    def row_ids(self, rows: int) -> Ids:
        """The ids of each row, [B, N], as a view: those of a shared pool for every row.

        Raises ValueError where the negatives are vectors without ids.
        """
        if self.ids is None:
            raise ValueError("these negatives are vectors without ids")
        return self.ids.expand(rows, -1)

    def take(self, index: Ids) -> Self:
        """Keep the negatives at `index` [B, n] along N; `logq` no longer holds and is cleared."""
        rows = self.per_row(len(index))

        def pick(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.gather(1, index)

        vectors = rows.vectors
        if vectors is not None:
            width = vectors.shape[-1]
            vectors = vectors.gather(1, index.unsqueeze(-1).expand(-1, -1, width))
        return replace(
            rows,
            ids=pick(rows.ids),
            vectors=vectors,
            logq=None,
            logw=pick(rows.logw),
            mask=pick(rows.mask),
        )


@dataclass(frozen=True, eq=False)
class Step:
    """Everything a part may read in one training step."""

    batch: Batch
    view: View
    context: TrainContext
    epoch: int
    number: int
    generator: torch.Generator
    training: bool = True

    def score(self, negatives: Negatives, *, penalised: bool = False) -> Scores:
        """The scores of the negatives, [B, N] (or [B, K] where they are shared), with gradient.

        `penalised` marks the step's final negatives, whose vectors bear the L2 penalty.
        """
        what = negatives.ids if negatives.vectors is None else negatives.vectors
        if what is None:
            return self.view.query.new_zeros(len(self.batch), 0)
        if negatives.shared:
            return self.view.score_shared(what, penalised=penalised, n_fixed=negatives.n_fixed)
        return self.view.score_rows(what, penalised=penalised)

    def score_all(self, negatives: Negatives) -> tuple[Rows, Scores]:
        """The scores of the positives [B] and of the step's final negatives, with gradient."""
        ids = negatives.ids
        if ids is None or negatives.shared or negatives.vectors is not None:
            return self.view.score_pair(self.view.positive), self.score(negatives, penalised=True)
        return self.view.score_step(ids)

    @torch.no_grad()
    def scores_no_grad(self, negatives: Negatives) -> Scores:
        """The same scores without gradient, minus infinity where masked: for selection."""
        scores = self.score(negatives)
        if negatives.mask is None:
            return scores
        return masked_fill_(scores, negatives.mask, -torch.inf)


class FrozenBackbone(Protocol):
    """A frozen copy of the backbone in inference mode."""

    def view(self, batch: Batch) -> View:
        """One forward pass of the copy for these rows; nothing of it is ever updated."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The weights of the copy."""
        ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Restore the weights of the copy from a checkpoint."""
        ...


@dataclass(frozen=True, eq=False)
class Epoch:
    """What a part may read before an epoch, to refresh pools, ranks or tables."""

    number: int
    context: TrainContext
    items: ItemVectors
    """Item vectors, [I, D], without gradient."""
    users: UserVectors | None
    """User vectors, [U, D], where the backbone provides "users"."""
    similarity: Similarity
    generator: torch.Generator
    freeze: Callable[[], FrozenBackbone] | None = None
    """Makes a frozen copy of the backbone as it is now; None in a loop of the user's own."""
    tangent_kernel: Callable[[Tensor], Tensor] | None = None
    """How a step along a gradient [U + I, D] of the vectors, users first, moves them: A A' where
    they are A times the parameters; None where they are the parameters, or where it is unknown."""


@dataclass(frozen=True, eq=False)
class Feedback:
    """Detached results of a step, passed to `observe`."""

    step: Step
    negatives: Negatives
    s_pos: Rows
    s_neg: Scores
    rows: Rows
    slopes: Scores | None = None
    """Derivative of each row's loss by the score of each negative, [B, N]; set for probes."""


@dataclass(frozen=True, eq=False)
class RankingVectors:
    """Vectors to rank by: the backbone in inference mode, from one propagation."""

    items: ItemVectors
    similarity: Similarity
    query: Any
    """`query(users [b]) -> [b, D]`."""
    users: UserVectors | None = None
    tangent_kernel: Callable[[Tensor], Tensor] | None = None
    """As `Epoch.tangent_kernel`."""
    score: Callable[[Tensor], Tensor] | None = None
    """`score(users [b]) -> [b, I]`: what a model ranks by that does not score by products of its
    vectors, where its `similarity` does not say it."""
