"""The small world of the conformance suite: a few users and items, their vectors, and steps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.ops import rng
from negbench.protocol.context import TrainContext
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
PROVIDES = frozenset({"order", "texts", "truth"})


def toy_context(
    sets: Iterable[Iterable[int]], n_items: int, device: torch.device | str = "cpu"
) -> TrainContext:
    """A world where user u has met the items of `sets[u]`, all of them excluded."""
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
        texts=lambda: texts(n_items, counts.device),
    )


def texts(n_items: int, device: torch.device) -> TextTable:
    """Words for all items but the last one."""
    vectors = rng.numpy_stream(0, "texts").normal(size=(n_items, TEXT)).astype(np.float32)
    vectors[-1] = 0
    words = [f"thing {item} of kind {item % 3}" for item in range(n_items - 1)]
    return TextTable.of(vectors, device, [*words, ""])


def usual(device: torch.device | str = "cpu") -> TrainContext:
    """Seven users, twelve items: item 11 is cold, user 5 has met all others, user 6 one item."""
    sets = [[0, 1, 2], [0, 3], [0, 1, 4, 5], [6, 7, 0, 8], [9, 10, 1], range(11), [2]]
    return toy_context(sets, 12, device)


def without_remainder(device: torch.device | str = "cpu") -> TrainContext:
    """Four users and six items; user 3 has met every one."""
    return toy_context([[0, 1, 2], [0, 3], [4, 5, 1], range(6)], 6, device)


@dataclass(eq=False)
class Tables:
    """Vectors for users and items, plain and by layer, drawn from a seed."""

    context: TrainContext
    seed: int = 0
    kind: Similarity = field(default_factory=Similarity)

    def __post_init__(self) -> None:
        """Draw the tables."""
        generator = rng.stream(self.seed, "tables")
        u, i, device = self.context.n_users, self.context.n_items, self.context.device
        self.users = torch.randn(u, LAYERS, WIDTH, generator=generator).to(device)
        self.items = torch.randn(i, LAYERS, WIDTH, generator=generator).to(device)

    def view(self, batch: Batch) -> View:
        """The view of a backbone that provides users, layers and a denoiser (halfway between what
        it is given and the query), its outputs cut to leaves."""
        query_layers = self.users[batch.users].requires_grad_()
        query = self.users.mean(1)[batch.users].requires_grad_()
        positive = self.items.mean(1)[batch.items].requires_grad_()
        leaves = Leaves(query=query, positive=positive, query_layers=query_layers)
        return View(
            query,
            self.items.mean(1),
            positive,
            self.kind,
            self.users.mean(1),
            query_layers,
            self.items,
            leaves=leaves,
            denoise=lambda vectors: (vectors + query) / 2,
        )

    def state_dict(self) -> dict[str, Any]:
        """What a frozen backbone keeps; these tables never move."""
        return {"users": self.users, "items": self.items}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.users, self.items = state["users"], state["items"]


def batch_of(context: TrainContext, *, rows: int | None = None) -> Batch:
    """Every train pair in one batch, or the first few."""
    users = torch.tensor(context.train.rows[:rows], device=context.device)
    items = torch.tensor(context.train.indices[:rows], device=context.device)
    return Batch(users, items.long())


@dataclass(eq=False)
class Play:
    """A method at work in a world: begun, then stepped, each step with a generator of its own."""

    method: Method
    context: TrainContext
    begun: int = 1
    rate: float = 0.1

    def __post_init__(self) -> None:
        """Begin every part, as often as `begun` says, and gather what is learnt."""
        for part in having(self.method, Begins):
            for _ in range(self.begun):
                part.begin(self.context)
        self.tables = Tables(self.context)
        self.down = [p for part in having(self.method, Minimises) for p in part.minimised()]
        self.up = [p for part in having(self.method, Maximises) for p in part.maximised()]
        self.optimisers = [
            torch.optim.SGD(group, lr=self.rate, maximize=maximize)
            for group, maximize in ((self.down, False), (self.up, True))
            if group
        ]

    def refresh(self, number: int) -> None:
        """Before an epoch."""
        generator = rng.stream(self.context.seed, "refresh", number, device=self.context.device)
        items, users = self.tables.items.mean(1), self.tables.users.mean(1)
        vectors, freeze = (items, users, self.tables.kind), partial(Tables, self.context)
        epoch = Epoch(number, self.context, *vectors, generator, freeze)
        for part in having(self.method, Refreshes):
            part.refresh(epoch)

    def step(self, number: int = 1, batch: Batch | None = None) -> Step:
        """A step's surroundings, fresh leaves and a generator of its own."""
        batch = batch or batch_of(self.context)
        generator = rng.stream(self.context.seed, "negatives", number, device=self.context.device)
        view = self.tables.view(batch)
        return Step(batch, view, self.context, 1, number, generator)

    def forward(self, number: int = 1, batch: Batch | None = None) -> Outcome:
        """A step up to its loss."""
        return forward(self.method, self.step(number, batch))

    def train(self, number: int = 1, batch: Batch | None = None) -> Outcome:
        """A whole step: loss, gradients, the parts' own parameters, feedback."""
        outcome = self.forward(number, batch)
        if outcome.loss.requires_grad:
            torch.autograd.backward(outcome.loss)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        feedback = outcome.feedback()
        for part in having(self.method, Observes):
            part.observe(feedback)
        return outcome

    def state(self) -> list[dict[str, Any]]:
        """The state of the parts that have one."""
        return [part.state_dict() for part in having(self.method, HasState)]

    def load(self, states: list[dict[str, Any]]) -> None:
        """Give each of these parts its state back."""
        for part, state in zip(having(self.method, HasState), states, strict=True):
            part.load_state_dict(state)
