"""attach: a registered method as the loss of any PyTorch model, in a training loop of your own.

loss = negbench.attach("dns(candidates=16)", users, items)      # the train pairs
for u, i in batches:                                            # your loop, your optimiser
    value = loss(model.user(u), model.item.weight, u, i)        # scalar, plain autograd
    value.backward()
"""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.axes import ItemVectors, Rows, Scalar, UserVectors, Vectors
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import (
    Begins,
    Maximises,
    Minimises,
    Observes,
    Phase,
    Refreshes,
)
from negbench.protocol.step import Batch, Epoch, Step
from negbench.protocol.view import Similarity, View
from negbench.training.forward import Outcome, forward, having
from negbench.training.optimisers import lr_factor

NEEDS_A_BACKBONE = ("layers", "sequence", "denoiser", "users", "texts", "exposures")


class Attached(nn.Module):
    """A method as a loss module for a PyTorch model of your own.

    Its own parameters, where it has any, are in `parameters()`: give them to your optimiser.
    Adversarial parameters are maximised: a hook negates their gradient, so one optimiser suffices.
    Call `epoch(items, users)` before an epoch for methods that refresh pools or tables.
    """

    outcome: Outcome | None
    """The results of the last step, its negatives among them."""

    def __init__(self, method: str, context: TrainContext, similarity: Similarity) -> None:
        """Build the method and call `begin` of its parts; use `attach` instead.

        Raises UserError for a method that needs a backbone of the suite.
        """
        super().__init__()
        parsed = recipe(method)
        if unmet := [need for need in parsed.needs if need in NEEDS_A_BACKBONE]:
            raise UserError(
                f"a method in your own loop sees user vectors and an item matrix only; {method} "
                f"needs {' and '.join(unmet)}; run it on a backbone of the suite"
            )
        self.method, self.context, self.similarity = parsed.build(), context, similarity
        self.generator = rng.stream(context.seed, "negatives", device=context.device)
        self.refresher = rng.stream(context.seed, "refresh", device=context.device)
        for part in having(self.method.parts, Begins):
            part.begin(context)
        self.minimised = nn.ParameterList(
            p for part in having(self.method.parts, Minimises) for p in part.minimised()
        )
        self.maximised = nn.ParameterList(
            p for part in having(self.method.parts, Maximises) for p in part.maximised()
        )
        for parameter in self.maximised:
            parameter.register_hook(torch.neg)
        self.number, self.epochs_begun, self.outcome = 0, 0, None

    def forward(self, query: Vectors, items: ItemVectors, users: Rows, positives: Rows) -> Scalar:
        """The loss of a batch, a scalar with gradient to `query` and `items`.

        `query` [B, D] are the vectors of `users` [B] ids, `items` [I, D] all item vectors,
        `positives` [B] the item ids that these users met. Raises ValueError on other shapes.
        """
        self._check(query, items, users, positives)
        if self.outcome is not None:
            feedback = self.outcome.feedback()
            for part in having(self.method.parts, Observes):
                part.observe(feedback)
        batch = Batch(users, positives)
        view = View(query, items, items[positives], self.similarity)
        self.number += 1
        step = Step(batch, view, self.context, self.epoch_number, self.number, self.generator)
        self.outcome = forward(self.method, step)
        return self.outcome.loss

    @property
    def epoch_number(self) -> int:
        """The current epoch, counted from 1; 1 where `epoch` is never called."""
        return max(1, self.epochs_begun)

    @torch.no_grad()
    def epoch(self, items: ItemVectors, users: UserVectors | None = None) -> None:
        """Begin an epoch: the item matrix [I, D] and, if there are any, user vectors [U, D].

        Methods refresh their pools and tables here.
        """
        self.epochs_begun += 1
        epoch = Epoch(
            self.epochs_begun, self.context, items, users, self.similarity, self.refresher
        )
        for part in having(self.method.parts, Refreshes):
            part.refresh(epoch)

    @property
    def own_phase(self) -> Phase | None:
        """The phase that the method's schedule leads to; None where it has none.

        Start your best epoch and your patience anew when it begins: what came before is a warm-up.
        """
        return self.method.own_phase

    def lr_factor(self) -> float:
        """The factor on your optimiser's learning rate in the current epoch; mostly 1.

        A method of two stages lowers it in the second.
        """
        return lr_factor(self.method, self.epoch_number)

    def _check(self, query: Tensor, items: Tensor, users: Tensor, positives: Tensor) -> None:
        rows, width = len(users), items.shape[1]
        if query.shape != (rows, width) or positives.shape != (rows,):
            raise ValueError(
                f"`query` must be [B, D], `users` and `positives` [B]; got {list(query.shape)}, "
                f"{list(users.shape)} and {list(positives.shape)} with items {list(items.shape)}"
            )
        if len(items) != self.context.n_items:
            raise ValueError(
                f"`items` must hold every item's vector, [{self.context.n_items}, D]; "
                f"got {list(items.shape)}"
            )


def attach(
    method: str,
    users: ArrayLike,
    items: ArrayLike,
    *,
    n_users: int | None = None,
    n_items: int | None = None,
    dim: int = 0,
    similarity: str = "dot",
    temperature: float = 1.0,
    seed: int = 0,
    device: str = "cpu",
) -> Attached:
    """Make any registered method a loss for a plain PyTorch model.

    `users` and `items` [n] are the ids of the train pairs, counted from 0; they are what is never
    drawn. `dim` is D, the width of your vectors: methods with networks of their own ask for it.
    Raises UserError for an unknown method or one that needs a backbone of the suite.
    """
    rows, columns = np.asarray(users, np.int64), np.asarray(items, np.int64)
    if rows.shape != columns.shape or rows.ndim != 1 or not len(rows):
        raise UserError(
            f"`users` and `items` must be two lists of ids of one length; got {rows.shape} and "
            f"{columns.shape}"
        )
    n_users, n_items = n_users or int(rows.max()) + 1, n_items or int(columns.max()) + 1
    if rows.min() < 0 or columns.min() < 0 or rows.max() >= n_users or columns.max() >= n_items:
        raise UserError(f"ids must lie in 0..{n_users - 1} and 0..{n_items - 1}; count them from 0")
    train = Csr.of(rows, columns, n_rows=n_users, n_columns=n_items)
    where = torch.device(device)
    context = TrainContext(
        train=train,
        counts=torch.from_numpy(train.counts.astype(np.float32)).to(where),
        excluded=Membership.of(train, device=where),
        device=where,
        seed=seed,
        width=dim,
    )
    if similarity == "cosine":
        return Attached(method, context, Similarity("cosine", temperature))
    return Attached(method, context, Similarity("dot", temperature))
