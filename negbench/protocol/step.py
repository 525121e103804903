"""The value records of a step: frozen, so a part returns a new one by `replace`.

Axes, fixed once: B rows, N negatives, M candidates, D width, L layers, U users, I items,
K list length or shared pool.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Protocol, Self

import torch
from torch import Tensor

from negbench.ops import masked_fill
from negbench.protocol.context import TrainContext
from negbench.protocol.view import Similarity, View

Rows = Annotated[Tensor, "B"]
Ids = Annotated[Tensor, "B N"]
Scores = Annotated[Tensor, "B N"]
Mask = Annotated[Tensor, "B N"]
Vectors = Annotated[Tensor, "B D"]


@dataclass(frozen=True, eq=False)
class BatchChunk:
    """The rows of several steps in a row, for what no step changes: it is drawn for all at once."""

    users: Rows
    drawn: dict[Any, Any] = field(default_factory=dict)
    """What was drawn for them, by whom: `draws.for_batch` keeps it here."""

    def holds(self, users: Rows, start: int) -> bool:
        """Are these its own rows from `start` on? Not where somebody has put others in a batch."""
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
    cells: Tensor | None = None
    coming: BatchChunk | None = None
    """The stretch of steps that this batch is in, where its rows are known."""
    start: int = 0
    """Its first row in the stretch."""

    def __len__(self) -> int:
        """B."""
        return self.users.shape[0]  # len() of a tensor takes microseconds


@dataclass(frozen=True, eq=False)
class Negatives:
    """What the rows are told that they do not like; travels from the source through the stages.

    Either `ids` [B, N] (or [K] with `shared=True`: one pool for all rows) or `vectors` [B, N, D]
    ([K, D]) for synthesised items; where both are given the vectors are scored and the ids are for
    the record. `logq` is how it was drawn (log proposal probability, [B, N] or [K]); `logw` is how
    much it counts (log weight, [B, N]). Only an objective adds them. `mask` [B, N] (or [B, K]) is
    False for what must not be used.
    """

    ids: Tensor | None = None
    vectors: Tensor | None = None
    shared: bool = False
    logq: Tensor | None = None
    logw: Tensor | None = None
    mask: Tensor | None = None
    row_weight: Tensor | None = None
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    """Auxiliary losses of the stages so far, by name; added to the mean of the rows."""

    def __post_init__(self) -> None:
        """Refuse shapes that say something else than `shared` does."""
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
        """N: how many a row has, masked ones too."""
        if self.ids is not None:
            return self.ids.shape[-1]
        return 0 if self.vectors is None else self.vectors.shape[-2]

    def take(self, index: Tensor) -> Self:
        """Keep the negatives at `index` [B, n] along N; `logq` no longer holds and is cleared."""
        rows = len(index)

        def pick(values: Tensor | None) -> Tensor | None:
            if values is None:
                return None
            return (values if values.dim() == 2 else values.expand(rows, -1)).gather(1, index)

        vectors = self.vectors
        if vectors is not None:
            per_row = vectors.expand(rows, -1, -1) if self.shared else vectors
            vectors = per_row.gather(1, index.unsqueeze(-1).expand(-1, -1, vectors.shape[-1]))
        return replace(
            self,
            ids=pick(self.ids),
            vectors=vectors,
            shared=False,
            logq=None,
            logw=pick(self.logw),
            mask=pick(self.mask),
        )


@dataclass(frozen=True, eq=False)
class Step:
    """Where a part stands: the batch, the backbone's view, the world and the step's generator."""

    batch: Batch
    view: View
    context: TrainContext
    epoch: int
    number: int
    generator: torch.Generator
    training: bool = True

    def score(self, negatives: Negatives) -> Scores:
        """The scores of the negatives, [B, N] (or [B, K] where they are shared)."""
        what = negatives.ids if negatives.vectors is None else negatives.vectors
        if what is None:
            return self.view.query.new_zeros(len(self.batch), 0)
        return self.view.score_shared(what) if negatives.shared else self.view.score_rows(what)

    @torch.no_grad()
    def scores_no_grad(self, negatives: Negatives) -> Scores:
        """The same scores without gradient, masked ones at minus infinity: what selection reads."""
        scores = self.score(negatives)
        if negatives.mask is None:
            return scores
        return masked_fill.hide_(scores, negatives.mask, -torch.inf)


class FrozenBackbone(Protocol):
    """A backbone as it was when it was frozen: seen at rest, not to be learnt from."""

    def view(self, batch: Batch) -> View:
        """What it made of these rows then, in one forward pass; nothing of it is ever updated."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Its weights."""
        ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Be what was frozen in another process."""
        ...


@dataclass(frozen=True, eq=False)
class Epoch:
    """The moment before an epoch, for parts that refresh pools, ranks or tables."""

    number: int
    context: TrainContext
    items: Tensor
    """Item vectors, [I, D], without gradient."""
    users: Tensor | None
    """User vectors, [U, D], where the backbone provides "users"."""
    similarity: Similarity
    generator: torch.Generator
    freeze: Callable[[], FrozenBackbone] | None = None
    """A copy of the backbone as it is now; None in a loop that is not ours."""
    tangent_kernel: Callable[[Tensor], Tensor] | None = None
    """How a step along a gradient [U + I, D] of the vectors, users first, moves them: A A' where
    they are A times the parameters; None where they are the parameters, or where it is not said."""


@dataclass(frozen=True, eq=False)
class Feedback:
    """What came of a step, without gradient, for parts that learn from it."""

    step: Step
    negatives: Negatives
    s_pos: Tensor
    s_neg: Tensor
    rows: Tensor
    slopes: Tensor | None = None
    """Derivative of each row's loss by the score of each negative, [B, N]; there for probes."""


@dataclass(frozen=True, eq=False)
class RankingVectors:
    """A backbone at rest: vectors to rank by, from one propagation."""

    items: Tensor
    similarity: Similarity
    query: Any
    """`query(users [b]) -> [b, D]`."""
    users: Tensor | None = None
    tangent_kernel: Callable[[Tensor], Tensor] | None = None
    """What `Epoch.tangent` says."""
