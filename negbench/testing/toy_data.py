"""Toy data of the conformance suite: a few users and items, their embeddings, training steps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.data.features import Categorical, Features, Numeric
from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.ops import rng
from negbench.ops.axes import LayerVectors
from negbench.protocol.context import TrainContext
from negbench.protocol.feature_table import FeatureTable
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.interfaces import (
    Begins,
    HasState,
    Maximises,
    Method,
    Minimises,
    Observes,
    Refreshes,
)
from negbench.protocol.step import Batch, Epoch, Step
from negbench.protocol.text_table import TextTable
from negbench.protocol.view import Similarity, View
from negbench.training.forward import Outcome, forward, having

WIDTH, LAYERS, TEXT = 8, 3, 5
FEATURES = ("user_features", "item_features")
PROVIDES = frozenset({"order", "texts", "truth", "exposures", *FEATURES})


def toy_context(
    sets: Iterable[Iterable[int]], n_items: int, device: torch.device | str = "cpu"
) -> TrainContext:
    """A train context in which user u has met the items of `sets[u]`, all of them excluded."""
    rows = [list(items) for items in sets]
    users = np.repeat(np.arange(len(rows)), [len(items) for items in rows])
    items = np.array([item for items in rows for item in items], np.int64)
    train = Csr.of(users, items, n_rows=len(rows), n_columns=n_items)
    counts = torch.from_numpy(train.counts).to(device, torch.float32)
    excluded = Membership.of(train, device=device)
    return TrainContext(
        train,
        counts,
        excluded,
        provides=PROVIDES,
        device=counts.device,
        width=WIDTH,
        texts=lambda: toy_texts(n_items, counts.device),
        known_negatives=lambda: _shown_in_vain(train),
        user_features=lambda: toy_features(train.lengths > 0, counts.device),
        item_features=lambda: toy_features(train.counts > 0, counts.device),
    )


def _shown_in_vain(train: Csr) -> Csr:
    """Of every second user, every third of the items that are not the user's."""
    rows, columns = np.divmod(np.arange(train.n_rows * train.n_columns), train.n_columns)
    shown = (rows % 2 == 0) & ((rows + columns) % 3 == 0)
    shown &= ~np.isin(rows * train.n_columns + columns, train.keys)
    size = {"n_rows": train.n_rows, "n_columns": train.n_columns}
    return Csr.of(rows[shown], columns[shown], **size)


def toy_texts(n_items: int, device: torch.device) -> TextTable:
    """Text vectors [I, TEXT] and words of all items but the last one."""
    vectors = rng.numpy_stream(0, "texts").normal(size=(n_items, TEXT)).astype(np.float32)
    vectors[-1] = 0
    words = [f"thing {item} of kind {item % 3}" for item in range(n_items - 1)]
    return TextTable.of(vectors, device, [*words, ""])


def toy_features(trained: NDArray[np.bool_], device: torch.device) -> FeatureTable:
    """A column of no or two values, one of three values, and a number that the last id has not."""
    ids = range(len(trained))
    marks = [[f"mark {i % 2}", f"mark {i % 5}"] if i % 3 else [] for i in ids]
    kinds = [[f"kind {i % 3}"] for i in ids]
    sizes = np.array([float(i * i) for i in ids])
    sizes[-1] = np.nan
    columns = (Categorical.of("marks", marks), Categorical.of("kind", kinds))
    return FeatureTable.of(Features(columns, (Numeric("size", sizes),)), trained, device)


def default_context(device: torch.device | str = "cpu") -> TrainContext:
    """Seven users, twelve items: item 11 is cold, user 5 has met all others, user 6 one item."""
    sets = [[0, 1, 2], [0, 3], [0, 1, 4, 5], [6, 7, 0, 8], [9, 10, 1], range(11), [2]]
    return toy_context(sets, 12, device)


def saturated_context(device: torch.device | str = "cpu") -> TrainContext:
    """Four users and six items; user 3 has met every one."""
    return toy_context([[0, 1, 2], [0, 3], [4, 5, 1], range(6)], 6, device)


@dataclass(eq=False)
class EmbeddingTables:
    """User and item embeddings [U or I, LAYERS, WIDTH], drawn from a seed, never trained."""

    context: TrainContext
    seed: int = 0
    kind: Similarity = field(default_factory=Similarity)
    cut: bool = True
    """Whether views are cut from autograd; else the gradient runs to the tables themselves."""

    def __post_init__(self) -> None:
        """Draw the tables."""
        generator = rng.stream(self.seed, "tables")
        u, i, device = self.context.n_users, self.context.n_items, self.context.device
        self.users = torch.randn(u, LAYERS, WIDTH, generator=generator).to(device)
        self.items = torch.randn(i, LAYERS, WIDTH, generator=generator).to(device)
        for table in () if self.cut else (self.users, self.items):
            table.requires_grad_()

    def view(self, batch: Batch) -> View:
        """The view of a backbone that provides users, layers and a denoiser (the mean of its input
        and the query)."""
        users, items = self.users.mean(1), self.items.mean(1)
        query, positive = users[batch.users], items[batch.items]
        query_layers, leaves = self.users[batch.users], None
        if self.cut:
            for tensor in (query, positive, query_layers):
                tensor.requires_grad_()
            leaves = Leaves(query=query, positive=positive, query_layers=query_layers)
            leaves.in_place = True
        return View(
            query,
            items,
            positive,
            self.kind,
            users,
            query_layers,
            self.items,
            leaves=leaves,
            denoise=lambda vectors: (vectors + query) / 2,
        )

    def gradients(self, batch: Batch, view: View) -> dict[str, LayerVectors]:
        """The gradients of both tables after the loss's backward pass, from the leaves if cut."""
        tables, leaves = {"users": self.users, "items": self.items}, view.leaves
        if leaves is None:
            return {
                name: torch.zeros_like(table) if table.grad is None else table.grad
                for name, table in tables.items()
            }
        into = {name: torch.zeros_like(table) for name, table in tables.items()}
        for name, rows in (
            ("users", leaves.user_gradients(batch.users)),
            ("items", leaves.item_gradients(batch.items)),
        ):
            for ids, gradient in rows:
                share = gradient.reshape(-1, 1, WIDTH).expand(-1, LAYERS, -1) / LAYERS
                into[name].index_add_(0, ids.reshape(-1), share)
        of_items = self.items.new_zeros(len(self.items), WIDTH)
        leaves.add_item_gradients(of_items)
        into["items"] += of_items.unsqueeze(1) / LAYERS
        both = torch.cat([into["users"], into["items"]])
        for ids, gradient in leaves.layer_gradients(batch.users, len(self.users)):
            both.index_add_(0, ids.reshape(-1), gradient.reshape(-1, LAYERS, WIDTH))
        return {"users": both[: len(self.users)], "items": both[len(self.users) :]}

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: both tables."""
        return {"users": self.users, "items": self.items}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.users, self.items = state["users"], state["items"]


def batch_of(context: TrainContext, *, rows: int | None = None) -> Batch:
    """One batch of every train pair, or of the first `rows`."""
    users = torch.tensor(context.train.rows[:rows], device=context.device)
    items = torch.tensor(context.train.indices[:rows], device=context.device)
    return Batch(users, items.long())


@dataclass(eq=False)
class TrainingHarness:
    """Trains a method on toy data: `begin` at construction, then steps, each with its own seed."""

    method: Method
    context: TrainContext = field(default_factory=default_context)
    begin_calls: int = 1
    lr: float = 0.1
    kind: Similarity = field(default_factory=Similarity)
    cut: bool = True
    """Whether the steps are cut from autograd, as in training, or plain autograd runs through."""

    def __post_init__(self) -> None:
        """Call `begin` of every part `begin_calls` times and make the optimisers of the parts."""
        for part in having(self.method.parts, Begins):
            for _ in range(self.begin_calls):
                part.begin(self.context)
        self.tables = EmbeddingTables(self.context, kind=self.kind, cut=self.cut)
        self.minimised = [
            p for part in having(self.method.parts, Minimises) for p in part.minimised()
        ]
        self.maximised = [
            p for part in having(self.method.parts, Maximises) for p in part.maximised()
        ]
        self.optimisers = [
            torch.optim.SGD(group, lr=self.lr, maximize=maximize)
            for group, maximize in ((self.minimised, False), (self.maximised, True))
            if group
        ]

    def refresh(self, number: int) -> None:
        """Run the parts' callbacks before an epoch."""
        generator = rng.stream(self.context.seed, "refresh", number, device=self.context.device)
        items, users = (t.detach().mean(1) for t in (self.tables.items, self.tables.users))
        vectors, freeze = (items, users, self.kind), partial(EmbeddingTables, self.context)
        epoch = Epoch(number, self.context, *vectors, generator, freeze)
        for part in having(self.method.parts, Refreshes):
            part.refresh(epoch)

    def step(self, number: int = 1, batch: Batch | None = None) -> Step:
        """The context of a training step, with fresh leaves and a generator seeded by `number`."""
        batch = batch or batch_of(self.context)
        generator = rng.stream(self.context.seed, "negatives", number, device=self.context.device)
        view = self.tables.view(batch)
        return Step(batch, view, self.context, 1, number, generator)

    def forward(self, number: int = 1, batch: Batch | None = None) -> Outcome:
        """The forward pass of a step, up to its loss."""
        return forward(self.method, self.step(number, batch))

    def train(self, number: int = 1, batch: Batch | None = None) -> Outcome:
        """A whole training step: loss, gradients, optimisers of the parts, `observe`."""
        outcome = self.forward(number, batch)
        if outcome.loss.requires_grad:
            torch.autograd.backward(outcome.loss)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        feedback = outcome.feedback()
        for part in having(self.method.parts, Observes):
            part.observe(feedback)
        return outcome

    def state_dict(self) -> list[dict[str, Any]]:
        """State for a checkpoint: one entry for each part that has a state."""
        return [part.state_dict() for part in having(self.method.parts, HasState)]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Restore the state."""
        for part, state in zip(having(self.method.parts, HasState), states, strict=True):
            part.load_state_dict(state)
