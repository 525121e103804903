"""A model that is known by its scores alone: what a sampler without its loss may read of a step."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from negbench.errors import UserError
from negbench.ops.axes import AnyShape, Ids, Rows, Scores
from negbench.protocol.view import DotCounter
from negbench.training.given_values import require_tensor

Score = Callable[[Rows, Ids], Scores]
"""`score(users [B], ids [B, M]) -> [B, M]`: a model's scores of M items for each user."""


class UsersAlone:
    """A batch of users without positives."""

    inputs = cells = chunk = None
    start = 0

    def __init__(self, users: Rows, method: str) -> None:
        """Of users [B], for the method of this name."""
        self.users, self.method = users, method

    def __len__(self) -> int:
        """B."""
        return len(self.users)

    @property
    def items(self) -> Rows:
        """Raises UserError: there are none."""
        raise UserError(f"{self.method} reads the positives of the batch; give positives=")


class ScoreView:
    """A view of a model that is known by its scores alone."""

    through = row_weight = leaves = query_layers = item_layers = denoise = None
    losses: Mapping[str, Any] = {}

    def __init__(self, method: str, users: Rows, items: Rows | None, score: Score | None) -> None:
        """Of users [B] and maybe their positives [B], for the method of this name."""
        self.method, self.users_of_batch, self.items_of_batch = method, users, items
        self.function, self.dots = score, DotCounter()
        self.positive = users.new_zeros(len(users), 0, dtype=torch.float32)
        """Stands for the vectors of the positives, which only `score_pair` takes."""

    def score_pair(self, vectors: AnyShape) -> Rows:
        """The scores of the positives, [B]. Raises UserError where there are none."""
        if vectors is not self.positive:
            raise needs_vectors(self.method)
        if self.items_of_batch is None:
            raise UserError(f"{self.method} compares with the positives; give positives=")
        return self.score_rows(self.items_of_batch.unsqueeze(1)).squeeze(1)

    def score_rows(self, what: AnyShape, *, penalised: bool = False) -> Scores:
        """The scores of items [B, M], [B, M].

        Raises UserError where there is no function, or vectors are asked for, and ValueError where
        the function gives no tensor, another shape, or (on the CPU) what is no number.
        """
        if what.is_floating_point():
            raise needs_vectors(self.method)
        if self.function is None:
            raise UserError(f"{self.method} chooses by the model's scores; give score=")
        scores = self.function(self.users_of_batch, what)
        require_tensor(scores, "score(users, ids)")
        if scores.shape != what.shape:
            raise ValueError(
                f"`score` must return one score an id, {list(what.shape)}; got {list(scores.shape)}"
            )
        if scores.device.type == "cpu" and bool(scores.isnan().any()):  # it would be the highest
            row, column = scores.isnan().nonzero()[0].tolist()
            raise ValueError(
                f"`score` must return numbers; got nan for user {int(self.users_of_batch[row])} "
                f"and item {int(what[row, column])}; -inf ranks an item last"
            )
        return scores.detach()

    def score_shared(self, what: AnyShape, *, penalised: bool = False, n_fixed: int = 0) -> Scores:
        """The scores of the same items [K] for each row, [B, K]."""
        return self.score_rows(what.expand(len(self.users_of_batch), -1))

    def __getattr__(self, name: str) -> Any:
        """Raises UserError: whatever else a view has is of vectors."""
        raise needs_vectors(self.__dict__["method"])


def needs_vectors(method: str) -> UserError:
    """The refusal of a method that reads more than ids and scores."""
    return UserError(
        f"a sampler by itself sees ids and scores only, and {method} reads vectors; use "
        "negbench.attach in your own loop, or run it on a backbone of the suite"
    )
